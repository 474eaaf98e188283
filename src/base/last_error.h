// The sentence behind hilo_last_error(): what went wrong in this thread's last failing C call.
// Threads: each has its own sentence; nothing here allocates or throws.
#pragma once

#include <string_view>

namespace hilo {

// Longer sentences are cut at a UTF-8 boundary.
void set_last_error(std::string_view sentence) noexcept;
// Zero-terminated, never null; empty until the thread's first error.
const char* last_error() noexcept;

}  // namespace hilo
