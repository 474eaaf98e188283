// The texts that a verb works on: its arguments, or else the lines of standard input.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace hilo {

// Calls `use` for each text in order until one fails.
Status for_each_text(const std::vector<std::string>& arguments,
                     const std::function<Status(const std::string&)>& use);

// The text as it is put into JSON and shown to people: invalid UTF-8 becomes U+FFFD.
std::string json_string(const std::string& text);

}  // namespace hilo
