// A terminal that is drawn on as a whole, and is left as it was: with the object, on `q`, on
// Ctrl-C, or when the process is told to end.
#pragma once

#include <memory>
#include <string>
#include <termios.h>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "cli/top/screen.h"

namespace hilo {

// From the environment: whether block characters can be shown, and whether colours are wanted.
bool locale_is_utf8();
bool wants_colour();

// A line with its emphasis in ANSI codes.
std::string painted(const ScreenLine& line, bool colour);

class Terminal {
 public:
  // Standard input and output must be a terminal. While this exists, signals that end the process
  // are held back and told by wait().
  static Result<std::unique_ptr<Terminal>> open();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  ScreenShape shape() const;
  void show(const std::vector<ScreenLine>& lines) const;

  enum class Event { timeout, resized, quit };
  Event wait(Instant until) const;

 private:
  Terminal(UniqueFd signals, const termios& before);

  UniqueFd signals_;
  termios before_;
  bool unicode_;
  bool colour_;
};

}  // namespace hilo
