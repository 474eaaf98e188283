#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "backend/yield_gate.h"
#include "cli/model_source.h"
#include "cli/text_input.h"
#include "cli/verb.h"
#include "engine/text_ids.h"

namespace hilo {
namespace {

constexpr const char* examples = R"(
Prints one line for each text: its numbers, or with --json an object. Reads the lines of standard
input when no text is given. Works without an engine running, on one core.

Examples:
  hilo embed --model DIR "resize photos"
  hilo embed --model DIR --json --prompt query "resize photos"
  hilo embed --model DIR < titles.txt > vectors.txt)";

constexpr std::align_val_t vector_alignment{64};

// One text after the other through tokenizer and backend, without lanes: there is nobody to share
// with.
class Embedder {
 public:
  Embedder(const ModelSource& source, const LoadedModel& model)
      : model_(model),
        ids_(source.channel.tokens_max),
        workspace_(model.backend->make_workspace(source.channel.tokens_max, 1)),
        vector_(new(vector_alignment) float[model.backend->dims()]{}) {}

  struct Embedding {
    std::span<const float> vector;
    Encoding encoding;
  };
  Result<Embedding> embed(const std::string& text) {
    const Encoding encoding = ids_of_text(model_.tokenizer_or_null(), text, scratch_, ids_);
    const std::array<uint32_t, 2> sequence_start{0, encoding.tokens};
    float* const vector = vector_.get();
    const TokenBatch batch{.ids = std::span{ids_}.first(encoding.tokens),
                           .types = {},
                           .sequence_start = sequence_start};
    if (!model_.backend->run(batch, *workspace_, gate_, {&vector, 1}))
      return Error{fmt::format("the backend could not compute the text {}", json_string(text))};
    return Embedding{{vector, model_.backend->dims()}, encoding};
  }

 private:
  struct Free {
    void operator()(float* vector) const { ::operator delete[](vector, vector_alignment); }
  };

  const LoadedModel& model_;
  std::vector<uint32_t> ids_;
  TokenizerScratch scratch_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<float[], Free> vector_;
  YieldGate gate_;
};

class EmbedVerb final : public Verb {
 public:
  CLI::App* add_to(CLI::App& app) override {
    CLI::App* const verb = app.add_subcommand("embed", "Print the vectors of texts");
    verb->footer(examples);
    add_model_options(*verb, options_);
    verb->add_option("text", texts_, "Texts; standard input if there are none")
        ->option_text("TEXT...");
    verb->add_option("--prompt", prompt_, "Put this prompt of the model before each text")
        ->option_text("NAME");
    verb->add_flag("--json", json_, "One JSON object for each text");
    verb->callback([this] { require_model(options_); });
    return verb;
  }

  Status run() override {
    const auto source = find_model(options_);
    if (!source) return source.error();
    const auto prompt = prompt_text(*source);
    if (!prompt) return prompt.error();
    const auto model = load(*source);
    if (!model) return model.error();
    Embedder embedder{*source, *model};
    return for_each_text(texts_, [&](const std::string& text) -> Status {
      const auto embedding = embedder.embed(*prompt + text);
      if (!embedding) return embedding.error();
      print(text, *embedding);
      return {};
    });
  }

 private:
  Result<std::string> prompt_text(const ModelSource& source) const {
    if (prompt_.empty()) return std::string{};
    std::string names;
    if (source.header) {
      for (const Prompt& prompt : source.header->prompts) {
        if (prompt.name == prompt_) return prompt.text;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", prompt.name);
      }
    }
    return Error{fmt::format("the model has no prompt '{}'; it has: {}", prompt_,
                             names.empty() ? "none" : names)};
  }

  void print(const std::string& text, const Embedder::Embedding& embedding) const {
    if (!json_) return fmt::print("{}\n", fmt::join(embedding.vector, " "));
    fmt::print("{{\"text\": {}, \"tokens\": {}, \"truncated\": {}, \"embedding\": [{}]}}\n",
               json_string(text), embedding.encoding.tokens, embedding.encoding.truncated,
               fmt::join(embedding.vector, ", "));
  }

  ModelOptions options_;
  std::vector<std::string> texts_;
  std::string prompt_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_embed_verb() { return std::make_unique<EmbedVerb>(); }

}  // namespace hilo
