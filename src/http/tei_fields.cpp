#include "http/tei_fields.h"

#include <algorithm>

#include <fmt/format.h>

#include "tokenizer/utf8.h"

namespace hilo::http {
namespace {

size_t characters_in(const Work& work) {
  size_t characters = work.tokens.items();
  if (work.pairs.empty())
    for (size_t i = 0; i < work.texts.size(); ++i)
      characters += count_valid_characters(work.texts[i]);
  // A text that is in many pairs is counted in each, but walked over once.
  std::vector<size_t> of_text(work.pairs.empty() ? 0 : work.texts.size());
  for (size_t i = 0; i < of_text.size(); ++i) of_text[i] = count_valid_characters(work.texts[i]);
  for (const PairPlaces& pair : work.pairs)
    characters += of_text[pair.first] + of_text[pair.second];
  return characters;
}

std::string in_ms(Nanoseconds time) { return std::to_string(time / millisecond_ns); }

}  // namespace

Outcome<Truncation> read_truncation(const JsonField& truncate, const JsonField& direction) {
  const auto cut = optional_flag(truncate);
  if (!cut) return cut.error();
  const auto side = optional_text(direction);
  if (!side) return side.error();
  const std::string_view word = side->value_or("Right");
  const bool left = same_ignoring_case(word, "Left");
  if (!left && !same_ignoring_case(word, "Right"))
    return wrong_field(direction.name,
                       fmt::format("'{}' must be \"Left\" or \"Right\".", direction.name));
  if (!cut->value_or(true)) return Truncation::refuse;
  return left ? Truncation::start : Truncation::end;
}

Outcome<std::string> read_prompt_name(const JsonField& field, const Context& context) {
  const auto name = optional_text(field);
  if (!name) return name.error();
  if (!*name) return std::string{};
  const auto& prompts = context.about->prompts;
  if (!(*name)->empty() && std::ranges::find(prompts, **name) != prompts.end())
    return std::string{**name};
  return wrong_field(field.name,
                     prompts.empty()
                         ? fmt::format("The model '{}' has no prompts.", context.about->model)
                         : fmt::format("The model '{}' has no such prompt: '{}' must be one of {}.",
                                       context.about->model, field.name, fmt::join(prompts, ", ")));
}

TeiCost cost_of(const Work& work, const Context& context) {
  return {.characters = characters_in(work), .backend = context.about->backend};
}

void add_cost_headers(Response& response, const TeiCost& cost, const Vectors& vectors) {
  Nanoseconds waited = 0;
  Nanoseconds engine = 0;
  for (const Vectors::Fact& fact : vectors.facts) {
    waited += fact.waited_ns;
    engine += static_cast<Nanoseconds>(fact.engine_ns);
  }
  const auto count = static_cast<Nanoseconds>(std::max<size_t>(vectors.size(), 1));
  const std::string took = in_ms(vectors.took_ns);
  const std::pair<const char*, std::string> headers[] = {
      {"x-compute-type", cost.backend},
      {"x-compute-time", took},
      {"x-compute-characters", std::to_string(cost.characters)},
      {"x-compute-tokens", std::to_string(vectors.tokens())},
      {"x-total-time", took},
      {"x-tokenization-time", "0"},
      {"x-queue-time", in_ms(waited / count)},
      {"x-inference-time", in_ms(engine / count)}};
  response.headers.insert(response.headers.end(), std::begin(headers), std::end(headers));
}

}  // namespace hilo::http
