#include "cli/command_line.h"

#include <array>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "cli/verb.h"

namespace hilo {
namespace {

constexpr const char* examples = R"(
Examples:
  hilo run --model all-MiniLM-L6-v2 --high "python high.py" --low "python low.py"
  hilo serve --model all-MiniLM-L6-v2
  hilo embed --model all-MiniLM-L6-v2 "resize photos"
  hilo tokenize "resize photos"

`hilo VERB --help` explains one verb.)";

// A descriptor of ours must never be mistaken for standard output by a program we start.
void open_standard_descriptors() {
  int descriptor = 0;
  do descriptor = ::open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor >= 0) ::close(descriptor);
}

// What was printed has arrived, or the exit status says that it has not.
Status flush_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  return Error{"cannot write to standard output"};
}

}  // namespace

int run_command_line(int argc, char** argv) {
  open_standard_descriptors();
  const std::array verbs{make_run_verb(), make_serve_verb(), make_embed_verb(),
                         make_tokenize_verb(), make_info_verb()};
  CLI::App app{"hilo: text embeddings with two lanes", "hilo"};
  app.set_version_flag("--version", "hilo " HILO_VERSION);
  app.require_subcommand(0, 1);  // None is told below, after words that are no verb.
  app.callback([&app] {
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A verb");
  });
  app.footer(examples);
  std::array<CLI::App*, verbs.size()> parsers{};
  for (size_t index = 0; index < verbs.size(); ++index) parsers[index] = verbs[index]->add_to(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  }
  for (size_t index = 0; index < verbs.size(); ++index) {
    if (!parsers[index]->parsed()) continue;
    Status status = verbs[index]->run();
    if (status) status = flush_output();
    if (status) return 0;
    log_error(status.error().message);
    return 1;
  }
  return 2;
}

}  // namespace hilo
