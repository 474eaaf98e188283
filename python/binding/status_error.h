// A status of the C interface as a C++ exception. The module turns it into the Python exception of
// that status (hilo/errors.py).
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <hilo/hilo.h>

namespace hilo::python {

class StatusError : public std::exception {
 public:
  StatusError(hilo_status status, std::string message, std::optional<size_t> index = {},
              uint32_t retry_after_ms = 0)
      : status_{status},
        message_{std::move(message)},
        index_{index},
        retry_after_ms_{retry_after_ms} {}

  const char* what() const noexcept override { return message_.c_str(); }
  hilo_status status() const { return status_; }
  std::optional<size_t> index() const { return index_; }       // of the text that it is about
  uint32_t retry_after_ms() const { return retry_after_ms_; }  // 0: the engine did not say

 private:
  hilo_status status_;
  std::string message_;
  std::optional<size_t> index_;
  uint32_t retry_after_ms_;
};

// For the status of a call that this thread has just made.
inline void throw_unless_ok(hilo_status status) {
  if (status != HILO_OK) throw StatusError{status, hilo_last_error()};
}

}  // namespace hilo::python
