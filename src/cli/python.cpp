#include "cli/python.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <unistd.h>

#include <fmt/format.h>

#include "base/own_path.h"

namespace hilo {
namespace {

namespace fs = std::filesystem;

// Says in a sentence what would else be a traceback.
constexpr const char* program = R"(
import importlib.util, sys
if importlib.util.find_spec("hilo") is None:
    sys.exit("hilo: this takes hilo's Python package, which " + sys.executable
             + " does not have: pip install 'hilo-engine[prepare]'")
from hilo.model.__main__ import main
sys.exit(main(sys.argv[1:]))
)";

std::string python_program(const fs::path& hilo) {
  if (const char* named = std::getenv("HILO_PYTHON"); named != nullptr) return named;
  const fs::path beside = hilo.parent_path() / "python3";
  return ::access(beside.c_str(), X_OK) == 0 ? beside.string() : "python3";
}

}  // namespace

Status become_python(const std::vector<std::string>& words) {
  const fs::path hilo = own_path();
  std::vector<std::string> command{python_program(hilo), "-c", program};
  command.insert(command.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // The engine that Python starts is this one.
  if (!hilo.empty()) ::setenv("HILO_BIN", hilo.c_str(), /*overwrite=*/0);
  ::execvp(arguments[0], arguments.data());
  return Error{fmt::format("cannot start {}: {}; name a Python that has hilo in HILO_PYTHON",
                           command[0], std::strerror(errno))};
}

}  // namespace hilo
