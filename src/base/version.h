// The version of this tree. A test holds CMakeLists.txt to it.
#pragma once

namespace hilo {

inline constexpr const char* version = "0.1.0";

}  // namespace hilo
