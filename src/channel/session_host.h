// What the control thread (supervisor/) needs from whoever serves sessions (engine/). The seam lets
// the supervisor be tested without an engine, and keeps slow work (making and freeing regions) away
// from the intake thread.
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "channel/session.h"

namespace hilo {

class SessionHost {
 public:
  virtual ~SessionHost() = default;

  // All calls come from the control thread and return without waiting.

  // A session whose client has mapped its regions (or, for a launched program, may do so at any
  // time).
  virtual void adopt(std::unique_ptr<Session> session) = 0;
  // Sessions that have ended, with nothing in flight any more. The caller destroys them.
  virtual std::vector<std::unique_ptr<Session>> take_retired() = 0;
  // Becomes readable when take_retired() or drained() has news. Cleared by take_retired().
  virtual int news() const = 0;
  // Stop admitting: new submissions complete as shutting_down. Admitted work is finished until the
  // deadline; what is left then completes as cancelled. A second call with an earlier deadline
  // hurries.
  virtual void drain(Instant deadline) = 0;
  virtual bool drained() const = 0;
};

}  // namespace hilo
