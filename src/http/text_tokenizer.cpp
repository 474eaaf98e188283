#include "http/text_tokenizer.h"

#include <algorithm>
#include <utility>

namespace hilo::http {
namespace {

struct Buffers {
  TokenizerScratch scratch;
  std::vector<uint32_t> ids;
  std::vector<TokenOffsets> offsets;
};

Buffers& buffers_of_thread() {
  thread_local Buffers buffers;
  return buffers;
}

// The ids are left in the buffers, and so are the offsets where they are wanted.
std::span<const uint32_t> encode(const Tokenizer& tokenizer, std::string_view text,
                                 bool add_special_tokens, bool with_offsets, Buffers& buffers) {
  const auto encode_into = [&](size_t room) {
    buffers.ids.resize(room);
    buffers.offsets.resize(with_offsets ? room : 0);
    return tokenizer.encode(text, {.add_special_tokens = add_special_tokens}, buffers.scratch,
                            buffers.ids, {}, buffers.offsets);
  };
  const Encoding encoding =
      encode_all(text.size() + tokenizer.special_tokens_added(/*pair=*/false), 0, encode_into);
  return std::span{buffers.ids}.first(encoding.tokens);
}

}  // namespace

Result<std::unique_ptr<const TextTokenizer>> TextTokenizer::open(const std::string& directory) {
  auto tokenizer = Tokenizer::from_directory(directory);
  if (!tokenizer) return tokenizer.error();
  return std::make_unique<const TextTokenizer>(std::move(*tokenizer));
}

TextTokenizer::TextTokenizer(Tokenizer tokenizer)
    : tokenizer_(std::move(tokenizer)), special_tokens_(tokenizer_.special_tokens_added(false)) {
  // Where the template puts the text is seen from one that has a token.
  Buffers& buffers = buffers_of_thread();
  const auto alone = encode(tokenizer_, "a", false, false, buffers);
  const std::vector<uint32_t> text{alone.begin(), alone.end()};
  const auto whole = encode(tokenizer_, "a", true, false, buffers);
  const auto found = std::ranges::search(whole, text);
  special_before_ = std::min(static_cast<uint32_t>(found.begin() - whole.begin()), special_tokens_);
}

std::vector<TextToken> TextTokenizer::tokens_of(std::string_view text,
                                                bool add_special_tokens) const {
  Buffers& buffers = buffers_of_thread();
  const auto ids = encode(tokenizer_, text, add_special_tokens, true, buffers);
  const size_t before = add_special_tokens ? special_before_ : 0;
  const size_t behind = add_special_tokens ? special_tokens_ - special_before_ : 0;
  std::vector<TextToken> tokens(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    TextToken& token = tokens[i];
    token.id = ids[i];
    token.piece = tokenizer_.piece(ids[i]);
    token.special = i < before || i + behind >= ids.size();
    token.offsets = buffers.offsets[i];
  }
  return tokens;
}

}  // namespace hilo::http
