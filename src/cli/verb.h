// What may follow `hilo` on the command line. Each verb has a file of its own.
#pragma once

#include <memory>

#include "base/options.h"
#include "base/result.h"

namespace hilo {

class Verb {
 public:
  virtual ~Verb() = default;

  virtual CommandWords words() const = 0;
  // Their values are stored in this object.
  virtual void add_options(const OptionList& options) = 0;
  virtual Status run() = 0;
};

std::unique_ptr<Verb> make_run_verb();
std::unique_ptr<Verb> make_serve_verb();
std::unique_ptr<Verb> make_embed_verb();
std::unique_ptr<Verb> make_tokenize_verb();
std::unique_ptr<Verb> make_info_verb();
std::unique_ptr<Verb> make_model_verb();
std::unique_ptr<Verb> make_top_verb();

}  // namespace hilo
