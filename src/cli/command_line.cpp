#include "cli/command_line.h"

#include <array>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "base/log.h"
#include "cli/verb.h"

namespace hilo {
namespace {

constexpr const char* program_examples = R"(
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
  const std::array verbs{make_run_verb(),      make_serve_verb(), make_embed_verb(),
                         make_tokenize_verb(), make_info_verb(),  make_model_verb(),
                         make_top_verb()};
  VerbParser parser{{"hilo", "hilo: text embeddings with two lanes", program_examples},
                    "hilo " HILO_VERSION};
  for (const auto& verb : verbs) {
    verb->add_options(parser.add(verb->words()));
  }
  if (const auto exit_status = parser.parse(argc, argv)) return *exit_status;

  Status status = verbs[parser.verb()]->run();
  if (status) status = flush_output();
  if (status) return 0;
  log_error(status.error().message);
  return 1;
}

}  // namespace hilo
