// A text that is made when it is asked for, and given again while it is young.
#pragma once

#include <string>

#include "base/clock.h"

namespace hilo {

class CachedText {
 public:
  explicit CachedText(Nanoseconds age_max) : age_max_(age_max) {}

  template <class Make>
  const std::string& at(Instant now, const Make& make) {
    if (text_.empty() || now - made_ > age_max_) {
      text_ = make();
      made_ = now;
    }
    return text_;
  }

 private:
  Nanoseconds age_max_;
  Instant made_;
  std::string text_;
};

}  // namespace hilo
