// The lines of a response before its body.
#pragma once

#include <string>
#include <string_view>

#include "http/request.h"

namespace hilo::http {

std::string response_head(const Response& response, std::string_view date, bool keep_open);

}  // namespace hilo::http
