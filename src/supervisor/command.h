// A command line as a person types it, made into the arguments of a program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hilo {

// Plain words and quotes are split here as a shell would, so that the program is our own child: it
// receives our signals and its exit status is told, with no shell in between. A line that asks for
// more than that (pipes, variables, patterns, `&&`, `NAME=value program`) becomes `sh -c LINE`.
Result<std::vector<std::string>> split_command(std::string_view line);

// The line that split_command() makes these words of again.
std::string join_command(const std::vector<std::string>& words);

// Where the program of the first word is: as given when it names a folder, otherwise looked up in
// `search_path` (the value of PATH).
Result<std::string> find_program(const std::string& name, std::string_view search_path);

}  // namespace hilo
