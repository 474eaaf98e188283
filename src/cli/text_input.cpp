#include "cli/text_input.h"

#include <iostream>

#include <nlohmann/json.hpp>

namespace hilo {

Status for_each_text(const std::vector<std::string>& arguments,
                     const std::function<Status(const std::string&)>& use) {
  for (const std::string& text : arguments)
    if (Status status = use(text); !status) return status;
  if (!arguments.empty()) return {};
  for (std::string line; std::getline(std::cin, line);)
    if (Status status = use(line); !status) return status;
  if (std::cin.bad()) return Error{"cannot read standard input"};
  return {};
}

std::string json_string(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hilo
