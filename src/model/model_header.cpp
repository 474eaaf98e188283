// Reads what a model directory says about itself: config.json, and the files of
// sentence-transformers (pooling, length, prompts). Where those are absent, the rules are the ones
// that sentence-transformers has.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "model/encoder_config.h"
#include "model/json_file.h"
#include "model/model.h"
#include "model/model_file.h"

namespace hilo {
namespace {

namespace fs = std::filesystem;

constexpr const char* settings_name = "config_sentence_transformers.json";
constexpr size_t modules_max = 16;
constexpr size_t prompts_max = 1024;

// A file that may be absent; then it reads as an object without members.
Result<Json> read_optional(const fs::path& path) {
  if (!file_exists(path)) return Json::object();
  return read_json_file(path);
}

// What modules.json says that happens to the encoder's output.
struct Modules {
  fs::path transformer;             // directory of config.json, the weights and the tokenizer
  std::optional<fs::path> pooling;  // directory of the pooling's config.json
  bool normalize = false;
  bool listed = false;  // there is a modules.json
};

// A module lies in the model's directory or in one below it.
bool is_below(const fs::path& path) {
  return path.is_relative() && std::ranges::find(path, fs::path{".."}) == path.end() &&
         path.native().find('\0') == std::string::npos;
}

// "sentence_transformers.models.Pooling" and what later versions call it both end in the kind.
std::string_view module_kind(std::string_view type) { return type.substr(type.rfind('.') + 1); }

Result<Modules> read_modules(const fs::path& directory) {
  const fs::path path = directory / "modules.json";
  Modules modules{.transformer = directory, .pooling = {}, .listed = file_exists(path)};
  if (!modules.listed) return modules;
  const Result<Json> list = read_json_file(path);
  if (!list) return list.error();
  if (!list->is_array() || list->empty() || list->size() > modules_max) {
    return file_error(
        path,
        fmt::format("must hold a list of 1 to {} modules; fetch the model again", modules_max));
  }
  // Each kind may follow the ones before it in this order, and the first must be there.
  constexpr std::array<std::string_view, 3> order{"Transformer", "Pooling", "Normalize"};
  size_t next = 0;
  for (const Json& module : *list) {
    ConfigReader reader{module, path};
    const std::string type = reader.text("type", "");
    const fs::path place = reader.text("path", "");
    if (!reader.ok()) return reader.error();
    const std::string_view kind = module_kind(type);
    const auto* step = std::find(order.begin() + next, order.end(), kind);
    if (step == order.end() || (next == 0 && step != order.begin())) {
      return file_error(path, fmt::format("has the module {} in a place where hilo does not know "
                                          "it; give a model of Transformer, Pooling and Normalize, "
                                          "in this order",
                                          printable(type)));
    }
    if (!is_below(place)) {
      return file_error(path,
                        fmt::format("places a module in {}, outside of the model's directory; "
                                    "fetch the model again",
                                    printable(place.native())));
    }
    next = static_cast<size_t>(step - order.begin()) + 1;
    if (kind == "Transformer" && !place.empty()) modules.transformer = directory / place;
    if (kind == "Pooling") modules.pooling = directory / place;
    if (kind == "Normalize") modules.normalize = true;
  }
  return modules;
}

// The names of the ways of pooling that a configuration turns on, in its older form (one flag each)
// or its newer one (pooling_mode).
std::vector<std::string> pooling_modes(ConfigReader& reader) {
  if (reader.has("pooling_mode")) return reader.texts("pooling_mode");
  constexpr std::array<std::pair<const char*, const char*>, 6> flags{{
      {"pooling_mode_cls_token", "cls"},
      {"pooling_mode_mean_tokens", "mean"},
      {"pooling_mode_max_tokens", "max"},
      {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
      {"pooling_mode_weightedmean_tokens", "weightedmean"},
      {"pooling_mode_lasttoken", "lasttoken"},
  }};
  std::vector<std::string> modes;
  for (const auto& [key, mode] : flags) {
    if (reader.flag(key, false)) modes.emplace_back(mode);
  }
  return modes;
}

Result<Pooling> read_pooling(const fs::path& directory, uint32_t hidden) {
  const fs::path path = directory / "config.json";
  const Result<Json> value = read_json_file(path);
  if (!value) return value.error();
  ConfigReader reader{*value, path};

  const std::vector<std::string> modes = pooling_modes(reader);
  const std::string mode = modes.empty() ? "mean" : fmt::format("{}", fmt::join(modes, " and "));
  constexpr std::array known{Pooling::mean, Pooling::cls, Pooling::last};
  const auto* const pooling = std::ranges::find(known, mode, pooling_name);
  if (pooling == known.end()) {
    reader.fail(
        fmt::format("asks for the pooling {}, but hilo computes either mean, cls or lasttoken; "
                    "give another model",
                    printable(mode)));
  }
  for (const char* key : {"word_embedding_dimension", "embedding_dimension"}) {
    const uint32_t dims = reader.count(key, 1, hidden_max, hidden);
    if (dims == hidden) continue;
    reader.fail(fmt::format("{} is {}, but the encoder's hidden_size is {}; fetch the model again",
                            key, dims, hidden));
  }
  if (!reader.flag("include_prompt", true)) {
    reader.fail(
        "include_prompt is false, but hilo pools the prompt's tokens, too; give another "
        "model");
  }
  if (!reader.ok()) return reader.error();
  return *pooling;
}

// How the encoder's output becomes a vector or, for a cross-encoder, a score.
Status read_output(const fs::path& directory, const Modules& modules, const Json& config,
                   ModelHeader& header) {
  if (modules.pooling) {
    const Result<Pooling> pooling = read_pooling(*modules.pooling, header.encoder.hidden);
    if (!pooling) return pooling.error();
    header.pooling = *pooling;
    header.normalize = modules.normalize;
    return {};
  }
  header.normalize = false;
  if (is_classifier(config) && !modules.normalize) {
    const fs::path settings_path = directory / settings_name;
    const Result<Json> settings = read_optional(settings_path);
    if (!settings) return settings.error();
    const Result<ScoreFunction> score =
        read_score_function(config, header.directory / "config.json", *settings, settings_path);
    if (!score) return score.error();
    header.score = *score;
    header.score_label = read_score_label(config);
    header.pooling = Pooling::cls;
    return {};
  }
  if (modules.listed) {
    return file_error(directory / "modules.json",
                      "names no Pooling module, so a text has no single vector; give a model "
                      "made for sentence embeddings");
  }
  header.pooling = Pooling::mean;
  return {};
}

// The longest text in tokens. What sentence-transformers says counts before what the tokenizer says
// (there a huge number stands for "no limit"), and neither may exceed the positions.
Result<uint32_t> read_tokens_max(const fs::path& directory, uint32_t positions) {
  const fs::path sentence_path = directory / "sentence_bert_config.json";
  const fs::path tokenizer_path = directory / "tokenizer_config.json";
  const Result<Json> sentence = read_optional(sentence_path);
  if (!sentence) return sentence.error();
  const Result<Json> tokenizer = read_optional(tokenizer_path);
  if (!tokenizer) return tokenizer.error();

  ConfigReader tokenizer_reader{*tokenizer, tokenizer_path};
  const uint32_t tokenizer_max =
      tokenizer_reader.count_clamped("model_max_length", tokens_min, positions, positions);
  const bool tokenizer_lowers = tokenizer_reader.flag("do_lower_case", true);
  if (!tokenizer_reader.ok()) return tokenizer_reader.error();

  ConfigReader reader{*sentence, sentence_path};
  const uint32_t tokens_max =
      reader.count_clamped("max_seq_length", tokens_min, positions, tokenizer_max);
  if (reader.flag("do_lower_case", false) && !tokenizer_lowers) {
    reader.fail(
        "do_lower_case is true while tokenizer_config.json says false, and hilo takes case "
        "from the tokenizer; set both to the same");
  }
  if (!reader.ok()) return reader.error();
  return tokens_max;
}

// Reads prompts and default_prompt_name into `header`.
Status read_prompts(const fs::path& directory, ModelHeader& header) {
  const fs::path path = directory / settings_name;
  const Result<Json> value = read_optional(path);
  if (!value) return value.error();
  ConfigReader reader{*value, path};
  header.default_prompt_name = reader.text("default_prompt_name", "");
  if (reader.ok() && reader.has("prompts")) {
    const Json& prompts = value->find("prompts").value();
    if (!prompts.is_object() || prompts.size() > prompts_max) {
      return file_error(path,
                        fmt::format("prompts must be an object of at most {} texts; fetch the "
                                    "model again",
                                    prompts_max));
    }
    for (const auto& [name, text] : prompts.items()) {
      const auto* prompt = text.get_ptr<const Json::string_t*>();
      if (prompt == nullptr) {
        return file_error(path, fmt::format("prompt \"{}\" is not a text; fetch the model again",
                                            printable(name)));
      }
      header.prompts.push_back({name, *prompt});
    }
  }
  const std::string& wanted = header.default_prompt_name;
  if (!wanted.empty() &&
      std::ranges::find(header.prompts, wanted, &Prompt::name) == header.prompts.end()) {
    reader.fail(
        fmt::format("default_prompt_name is \"{}\", but there is no such prompt; fetch the "
                    "model again",
                    printable(wanted)));
  }
  if (!reader.ok()) return reader.error();
  return {};
}

// The model's name as people know it: the directory's own, also for "." and "model/". Two places
// keep models in directories with names that say nothing: the Hugging Face cache, in
// models--ORGANISATION--NAME/snapshots/COMMIT, and packages that ship one as PACKAGE/model.
std::string model_name(const fs::path& directory) {
  std::error_code failed;
  const fs::path full = fs::absolute(directory, failed).lexically_normal();
  if (failed) return directory.native();
  const fs::path named = full.has_filename() ? full : full.parent_path();
  const fs::path above = named.parent_path();
  if (named.filename() == "model" && above.has_filename()) return above.filename().native();
  if (above.filename() == "snapshots") {
    const std::string repository = above.parent_path().filename().native();
    const size_t separator = repository.rfind("--");
    if (separator != std::string::npos) return repository.substr(separator + 2);
  }
  return named.filename().native();
}

Status check_directory(const fs::path& directory) {
  std::error_code failed;
  if (fs::status(directory, failed).type() == fs::file_type::directory) return {};
  const std::string cause = failed ? failed.message() : "Not a directory";
  return file_error(directory,
                    fmt::format("cannot be read as a model directory ({}); give the path "
                                "of the Hugging Face directory that holds config.json",
                                cause));
}

}  // namespace

const char* pooling_name(Pooling pooling) {
  switch (pooling) {
    case Pooling::cls:
      return "cls";
    case Pooling::mean:
      return "mean";
    case Pooling::last:
      return "lasttoken";
  }
  return "";
}

Result<ModelHeader> read_model_header(const fs::path& directory) {
  if (const Status status = check_directory(directory); !status) return status.error();
  const Result<Modules> modules = read_modules(directory);
  if (!modules) return modules.error();
  const fs::path config_path = modules->transformer / "config.json";
  const Result<Json> config = read_json_file(config_path);
  if (!config) return config.error();
  const Result<EncoderConfig> encoder = read_encoder_config(*config, config_path);
  if (!encoder) return encoder.error();
  const Result<uint32_t> tokens_max =
      read_tokens_max(modules->transformer, encoder->text_tokens_max());
  if (!tokens_max) return tokens_max.error();

  ModelHeader header;
  header.name = model_name(directory);
  header.directory = modules->transformer;
  header.encoder = *encoder;
  header.tokens_max = *tokens_max;
  if (const Status output = read_output(directory, *modules, *config, header); !output) {
    return output.error();
  }
  if (const Status prompts = read_prompts(directory, header); !prompts) return prompts.error();
  return header;
}

}  // namespace hilo
