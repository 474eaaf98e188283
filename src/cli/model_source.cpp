#include "cli/model_source.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "backend/echo.h"
#include "protocol/bounds.h"

namespace hilo {
namespace {

// What hilo_info() tells a client.
std::string info_json(const ModelSource& source, const BackendFacts& facts) {
  const auto& header = source.header;
  nlohmann::ordered_json info{{"model", header ? header->name : source.options.backend},
                              {"backend", facts.name},
                              {"precision", facts.precision},
                              {"device", nullptr},
                              {"dims", source.channel.dims},
                              {"tokens_max", source.channel.tokens_max},
                              {"vocabulary", header ? header->encoder.vocabulary : byte_vocabulary},
                              {"cross_encoder", header && header->score.has_value()},
                              {"score_label", nullptr},
                              {"token_vectors", facts.token_vectors},
                              {"pooling", nullptr},
                              {"normalized", header && header->normalize},
                              {"prompts", nlohmann::json::array()},
                              {"prompt_texts", nlohmann::json::array()}};
  if (!facts.device.empty()) info["device"] = facts.device;
  if (header) {
    info["pooling"] = pooling_name(header->pooling);
    if (header->score) info["score_label"] = header->score_label;
    for (const Prompt& prompt : header->prompts) {
      info["prompts"].push_back(prompt.name);
      info["prompt_texts"].push_back(prompt.text);
    }
  }
  // Names come from files that may hold any bytes.
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The types that the template gives to the tokens of a pair.
uint32_t token_types_of(const Tokenizer& tokenizer) {
  TokenizerScratch scratch;
  std::vector<uint32_t> ids(tokenizer.special_tokens_added(/*pair=*/true) + 2);
  std::vector<uint8_t> types(ids.size());
  const Encoding encoding = tokenizer.encode_pair({"a", "a"}, {}, scratch, ids, types);
  return encoding.tokens == 0
             ? 0
             : 1U + *std::max_element(types.begin(), types.begin() + encoding.tokens);
}

// What would otherwise be found out when the first text comes.
Status check_tokenizer(const ModelSource& source, const Tokenizer& tokenizer,
                       const Backend& backend) {
  if (tokenizer.vocabulary_size() > backend.vocabulary())
    return Error{
        fmt::format("{}: its tokenizer has {} ids, but the model only knows {}: they "
                    "belong to different models",
                    source.options.directory, tokenizer.vocabulary_size(), backend.vocabulary())};
  const bool pairs = source.header->score.has_value();
  const uint32_t special = tokenizer.special_tokens_added(pairs);
  if (special > source.channel.tokens_max)
    return Error{
        fmt::format("{}: its tokenizer adds {} special tokens, but the model takes {} in all: "
                    "give it a larger max_seq_length",
                    source.options.directory, special, source.channel.tokens_max)};
  if (special == 0)
    return Error{
        fmt::format("{}: its tokenizer adds no special tokens, so an empty text would have none at "
                    "all and no vector: give its tokenizer.json a post_processor that adds some",
                    source.options.directory)};
  const uint32_t types = pairs ? token_types_of(tokenizer) : 0;
  if (backend.token_types() > 0 && types > backend.token_types())
    return Error{
        fmt::format("{}: its tokenizer tells {} types of tokens apart, but the model "
                    "only {}: they belong to different models",
                    source.options.directory, types, backend.token_types())};
  return {};
}

Result<LoadedModel> load_now(const ModelSource& source) {
  const Instant begin = monotonic_now();
  LoadedModel loaded;
  if (source.header) {
    auto tokenizer = Tokenizer::from_directory(source.header->directory);
    if (!tokenizer) return tokenizer.error();
    loaded.tokenizer = std::move(*tokenizer);
    auto model = load_model(*source.header);
    if (!model) return model.error();
    auto chosen = choose_backend(source.options, source.cpu, *model);
    if (!chosen) return chosen.error();
    loaded.backend = std::move(chosen->backend);
    loaded.facts = std::move(chosen->facts);
    if (Status checked = check_tokenizer(source, *loaded.tokenizer, *loaded.backend); !checked)
      return checked.error();
  } else {
    loaded.backend = source.options.backend == "echo" ? make_echo_backend() : make_null_backend();
  }
  loaded.load_time = monotonic_now() - begin;
  return loaded;
}

Status find_header(ModelSource& source) {
  const ModelOptions& options = source.options;
  if (may_use_cpu(options)) {
    auto cpu = choose_cpu(options);
    if (!cpu) return cpu.error();
    source.cpu = std::move(*cpu);
  }
  auto header = read_model_header(options.directory);
  if (!header) return header.error();
  source.header = std::move(*header);
  source.channel.dims = source.header->dims();
  source.channel.tokens_max = std::min(source.header->tokens_max, tokens_per_task_max);
  return {};
}

}  // namespace

Result<ModelSource> find_model(const ModelOptions& options) {
  ModelSource source{.options = options, .header = std::nullopt, .cpu = {}, .channel = {}};
  if (needs_model(options)) {
    if (Status found = find_header(source); !found) return found.error();
  } else {
    source.channel.dims = echo_dims;
    source.channel.tokens_max = echo_tokens_max;
  }
  if (may_use_device(options)) {
    auto loaded = load_now(source);
    if (!loaded) return loaded.error();
    source.loaded = std::move(*loaded);
  }
  // The CPU and the backends without a model have vectors of tokens, of what is no score.
  const BackendFacts named{.name = options.backend,
                           .precision = precision_name(source.cpu.precision.precision),
                           .device = "",
                           .token_vectors = !source.header || !source.header->score};
  source.channel.info = info_json(source, source.loaded ? source.loaded->facts : named);
  if (source.channel.info.size() >= info_bytes)
    return Error{
        fmt::format("{}: its prompts take {} bytes, more than the {} that "
                    "clients can be told: remove some from "
                    "config_sentence_transformers.json",
                    options.directory, source.channel.info.size(), info_bytes - 1)};
  return source;
}

Result<LoadedModel> load(ModelSource& source) {
  if (source.loaded) return *std::exchange(source.loaded, std::nullopt);
  return load_now(source);
}

EngineOptions engine_options(const ModelSource& source) {
  EngineOptions options{
      .threads = source.options.threads, .tokens_max = source.channel.tokens_max, .prompts = {}};
  if (source.header) {
    for (const Prompt& prompt : source.header->prompts) options.prompts.push_back(prompt.text);
    options.scores_pairs = source.header->score.has_value();
  }
  return options;
}

std::vector<BudgetLine> memory_budget(const LoadedModel& model, const Engine& engine) {
  std::vector<BudgetLine> budget = engine.memory_budget();
  budget.insert(budget.begin(),
                {model.backend->device() ? "model and batches, on the GPU" : "model",
                 model.backend->bytes()});
  return budget;
}

std::string describe(const ModelSource& source, const LoadedModel& model) {
  const std::string why = model.facts.device.empty() ? source.cpu.precision.why : "";
  return fmt::format("loaded {} in {} ms: {} dims, {} tokens, {}{}{}",
                     source.header ? source.header->name : "no model",
                     model.load_time / millisecond_ns, source.channel.dims,
                     source.channel.tokens_max, model.backend->describe(), why.empty() ? "" : "; ",
                     why);
}

}  // namespace hilo
