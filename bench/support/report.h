// What every benchmark program does with its arguments and its figures.
#pragma once

#include <cstdio>
#include <fstream>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/result.h"

namespace hilo {

template <class... Arguments>
void print_line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  std::fputs((fmt::format(format, std::forward<Arguments>(arguments)...) + "\n").c_str(), stdout);
}

inline void add_json_option(CLI::App& app, std::string& path) {
  app.add_option("--json", path, "Write the figures to this file")->type_name("FILE");
}

// The exit status of a benchmark: reports its error, or writes its figures where they were asked
// for.
inline int finish_benchmark(const Status& status, const std::string& json_path,
                            const nlohmann::json& figures) {
  if (!status) {
    std::fputs(fmt::format("{}\n", status.error().message).c_str(), stderr);
    return 1;
  }
  if (json_path.empty()) return 0;
  std::ofstream file{json_path};
  file << figures.dump(2) << '\n';
  file.close();
  if (file) return 0;
  std::fputs(fmt::format("{} could not be written\n", json_path).c_str(), stderr);
  return 1;
}

}  // namespace hilo
