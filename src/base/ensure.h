// ENSURE states a rule that our own code must keep. It stays on in release builds: a broken rule
// stops the process with its place and its text, because going on would spread the damage. Errors
// of the outside world use Result.
#pragma once

namespace hilo {

[[noreturn]] void ensure_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace hilo

#define ENSURE(condition) \
  ((condition) ? static_cast<void>(0) : ::hilo::ensure_failed(#condition, __FILE__, __LINE__))
