// Ids back to text, as the reference's decoders do it. What the normalizer changed does not come
// back.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/decoder_steps.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

// The tokens of ids, those without one left out. An added token that is looked for in normalized
// text comes as `normalize` makes it.
std::vector<std::string> tokens_of(const Vocabulary& vocabulary, std::span<const uint32_t> ids,
                                   bool skip_special_tokens,
                                   const std::function<std::string(std::string_view)>& normalize);

// Without any steps, tokens stand with spaces between them.
std::string decode_tokens(std::span<const DecoderStep> steps, std::vector<std::string> tokens);

}  // namespace hilo
