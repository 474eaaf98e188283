#include "model/encoder_config.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "model/model_file.h"
#include "model/relative_bucket.h"

namespace hilo {
namespace {

constexpr uint32_t layers_max = 256;
constexpr uint32_t intermediate_max = 131'072;
constexpr uint32_t vocabulary_max = 1U << 24;
constexpr uint32_t positions_max = 1U << 20;
constexpr uint32_t token_types_max = 256;  // a token's type is one byte
constexpr uint32_t mpnet_padding_id = 1;   // whatever its config.json says

// What the families call the same sizes.
struct Keys {
  const char *layers, *hidden, *heads, *intermediate, *activation;
};
constexpr Keys usual_keys{.layers = "num_hidden_layers",
                          .hidden = "hidden_size",
                          .heads = "num_attention_heads",
                          .intermediate = "intermediate_size",
                          .activation = "hidden_act"};
constexpr Keys distilbert_keys{.layers = "n_layers",
                               .hidden = "dim",
                               .heads = "n_heads",
                               .intermediate = "hidden_dim",
                               .activation = "activation"};

struct ModelType {
  std::string_view name;
  EncoderFamily family;
};
constexpr std::array<ModelType, 5> model_types{{{"bert", EncoderFamily::bert},
                                                {"distilbert", EncoderFamily::distilbert},
                                                {"roberta", EncoderFamily::roberta},
                                                {"xlm-roberta", EncoderFamily::roberta},
                                                {"mpnet", EncoderFamily::mpnet}}};

EncoderFamily read_family(ConfigReader& reader) {
  const std::string found = reader.text("model_type", "");
  const auto* known = std::ranges::find(model_types, found, &ModelType::name);
  if (known != model_types.end()) return known->family;
  reader.fail(
      fmt::format("model_type is \"{}\", but hilo computes only bert, distilbert, roberta, "
                  "xlm-roberta and mpnet; give another model",
                  printable(found)));
  return EncoderFamily::bert;
}

// What decides whether the sizes mean what we think they do.
void require_known_computation(ConfigReader& reader, const Keys& keys) {
  const auto require = [&](const char* key, std::string_view wanted) {
    const std::string found = reader.text(key, wanted);
    if (found == wanted) return;
    reader.fail(fmt::format("{} is \"{}\", but hilo computes only \"{}\"; give another model", key,
                            printable(found), wanted));
  };
  require("position_embedding_type", "absolute");
  require(keys.activation, "gelu");
  if (reader.flag("is_decoder", false)) {
    reader.fail("is_decoder is true, but hilo computes encoders only; give another model");
  }
}

// The fields in which the families differ.
void read_differences(ConfigReader& reader, EncoderConfig& config) {
  const bool has_types =
      config.family == EncoderFamily::bert || config.family == EncoderFamily::roberta;
  if (has_types) config.token_types = reader.count("type_vocab_size", 1, token_types_max, 2);
  if (config.family == EncoderFamily::roberta) {
    config.padding_id = reader.count("pad_token_id", 0, config.vocabulary - 1, 1);
  }
  if (config.family == EncoderFamily::mpnet) {
    config.padding_id = mpnet_padding_id;
    config.relative_bias = true;
    // The reference sorts distances into 32 buckets whatever this says.
    reader.count("relative_attention_num_buckets", relative_buckets, relative_buckets,
                 relative_buckets);
  }
  // DistilBERT's is fixed.
  if (config.family != EncoderFamily::distilbert) {
    config.layer_norm_epsilon =
        static_cast<float>(reader.number("layer_norm_eps", 1e-30, 1.0, 1e-12));
  }
}

// transformers writes a name for each label, and nothing if there are two.
size_t count_labels(const Json& config) {
  const auto names = config.find("id2label");
  return names != config.end() && names->is_object() ? names->size() : 2;
}

// Where a configuration may name the function that makes a score of a cross-encoder's output.
struct FunctionPlace {
  const Json& value;
  const std::filesystem::path& path;
  const char* key;
};

}  // namespace

Result<EncoderConfig> read_encoder_config(const Json& config, const std::filesystem::path& path) {
  ConfigReader reader{config, path};
  EncoderConfig encoder{.family = read_family(reader)};
  const Keys& keys = encoder.family == EncoderFamily::distilbert ? distilbert_keys : usual_keys;
  require_known_computation(reader, keys);
  encoder.layers = reader.count(keys.layers, 1, layers_max);
  encoder.hidden = reader.count(keys.hidden, 1, hidden_max);
  encoder.heads = reader.count(keys.heads, 1, hidden_max);
  encoder.intermediate = reader.count(keys.intermediate, 1, intermediate_max);
  encoder.vocabulary = reader.count("vocab_size", 1, vocabulary_max);
  read_differences(reader, encoder);
  encoder.positions_max =
      reader.count("max_position_embeddings", encoder.first_position() + tokens_min, positions_max);
  if (reader.ok() && encoder.hidden % encoder.heads != 0) {
    reader.fail(fmt::format("{} ({}) does not divide {} ({}); fetch the model again", keys.heads,
                            encoder.heads, keys.hidden, encoder.hidden));
  }
  if (!reader.ok()) return reader.error();
  return encoder;
}

bool is_classifier(const Json& config) {
  const auto names = config.find("architectures");
  if (names == config.end() || !names->is_array() || names->empty()) return false;
  const auto* name = names->front().get_ptr<const Json::string_t*>();
  return name != nullptr && name->ends_with("ForSequenceClassification");
}

Result<ScoreFunction> read_score_function(const Json& config, const std::filesystem::path& path,
                                          const Json& settings,
                                          const std::filesystem::path& settings_path) {
  ConfigReader reader{config, path};
  if (const size_t labels = count_labels(config); labels != 1) {
    reader.fail(
        fmt::format("gives {} labels to a text, but hilo computes a cross-encoder's single "
                    "score only; give another model",
                    labels));
  }
  if (reader.text("model_type", "") == "distilbert") {
    reader.fail(
        "is a DistilBERT cross-encoder, but hilo computes the head of bert, roberta, "
        "xlm-roberta and mpnet only; give another model");
  }
  if (!reader.ok()) return reader.error();

  // The places that sentence-transformers has written the function to, newest first.
  static const Json none = Json::object();
  const auto nested = config.find("sentence_transformers");
  const std::array<FunctionPlace, 3> places{
      {{settings, settings_path, "activation_fn"},
       {nested == config.end() ? none : *nested, path, "activation_fn"},
       {config, path, "sbert_ce_default_activation_function"}}};
  for (const FunctionPlace& place : places) {
    ConfigReader function{place.value, place.path};
    const std::string name = function.text(place.key, "");
    if (!function.ok()) return function.error();
    if (name.empty()) continue;
    // "torch.nn.modules.activation.Sigmoid"
    if (name.ends_with(".Sigmoid")) return ScoreFunction::sigmoid;
    if (name.ends_with(".Identity")) return ScoreFunction::identity;
    return file_error(place.path,
                      fmt::format("{} is {}, but hilo computes scores by Sigmoid or Identity only; "
                                  "give another model",
                                  place.key, printable(name)));
  }
  return ScoreFunction::sigmoid;
}

std::string read_score_label(const Json& config) {
  const auto* name = config.at("id2label").front().get_ptr<const Json::string_t*>();
  return name != nullptr && !name->empty() ? *name : "LABEL_0";  // transformers' own name
}

}  // namespace hilo
