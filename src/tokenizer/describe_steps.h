// The parts of a tokenizer.json that are steps: each is read, or refused by its name.
#pragma once

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "tokenizer/description.h"

namespace hilo {

template <class... Arguments>
Error refused(fmt::format_string<Arguments...> sentence, Arguments&&... arguments) {
  return {fmt::format(sentence, std::forward<Arguments>(arguments)...)};
}

Status describe_bert_steps(const nlohmann::json& normalizer, const nlohmann::json& pre_tokenizer,
                           NormalizerOptions& options);
Status describe_normalizer(const nlohmann::json& normalizer, FamilyDescription& family);
Status describe_pre_tokenizer(const nlohmann::json& pre_tokenizer, TokenizerFamily family,
                              PreTokenizerOptions& options);
// What a Replace, of a normalizer or a decoder, looks for.
Result<TextPattern> describe_pattern(const nlohmann::json& replace);
Status describe_decoder(const nlohmann::json& decoder, std::vector<DecoderStep>& steps);
Status describe_post_processor(const nlohmann::json& processor, TokenizerDescription& description);

}  // namespace hilo
