// Unpacks request bodies, up to a size: a small body may stand for a huge one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/problem.h"

namespace hilo::http {

Outcome<std::string> unpack_gzip(std::string_view packed, size_t bytes_max);

}  // namespace hilo::http
