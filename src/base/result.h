// A value, or the reason why there is none. Operating errors travel in this type; broken rules of
// our own go to ENSURE.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/ensure.h"

namespace hilo {

// One sentence for a person: what was wrong, and what to do about it.
struct Error {
  std::string message;
};

template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  // Implicit, so that a function returns its value or its error as it is.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(*-explicit-*)
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    ENSURE(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    ENSURE(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    ENSURE(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  const E& error() const {
    ENSURE(!ok());
    return *std::get_if<1>(&state_);
  }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, E> state_;
};

// Success without a value, or an error.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  Result(E error) : error_(std::move(error)) {}  // NOLINT(*-explicit-*)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const E& error() const {
    ENSURE(!ok());
    return *error_;
  }

 private:
  std::optional<E> error_;
};

using Status = Result<void, Error>;

}  // namespace hilo
