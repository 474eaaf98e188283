// SHA-256, as lists of files and their digests have it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace hilo {

// 64 hexadecimal digits in lower case.
std::string sha256(std::span<const std::byte> bytes);

}  // namespace hilo
