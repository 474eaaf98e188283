// What config.json says: the family and the sizes of the encoder, and whether a score is made of
// its output.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "model/json_file.h"
#include "model/model.h"

namespace hilo {

inline constexpr uint32_t hidden_max = 16'384;
inline constexpr uint32_t tokens_min = 3;  // a text of one token between its two special tokens

// `path` is for error messages, here and below.
Result<EncoderConfig> read_encoder_config(const Json& config, const std::filesystem::path& path);

// Whether it calls itself a classifier of whole texts, as cross-encoders do.
bool is_classifier(const Json& config);

// How a cross-encoder's output becomes its score. `settings` is config_sentence_transformers.json,
// at `settings_path`, or an empty object.
Result<ScoreFunction> read_score_function(const Json& config, const std::filesystem::path& path,
                                          const Json& settings,
                                          const std::filesystem::path& settings_path);
// The name of its only label, of a configuration that read_score_function() has accepted.
std::string read_score_label(const Json& config);

}  // namespace hilo
