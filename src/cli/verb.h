// What may follow `hilo` on the command line. Each verb has a file of its own.
#pragma once

#include <memory>

#include "base/result.h"

namespace CLI {
class App;
}

namespace hilo {

class Verb {
 public:
  virtual ~Verb() = default;

  // Declares the verb with its options and its help; they are stored in this object.
  virtual CLI::App* add_to(CLI::App& app) = 0;
  virtual Status run() = 0;
};

std::unique_ptr<Verb> make_run_verb();
std::unique_ptr<Verb> make_serve_verb();
std::unique_ptr<Verb> make_embed_verb();
std::unique_ptr<Verb> make_tokenize_verb();
std::unique_ptr<Verb> make_info_verb();

}  // namespace hilo
