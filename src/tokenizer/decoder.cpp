#include "tokenizer/decoder.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace hilo {

namespace {

constexpr std::string_view continuation_prefix = "##";

// Null for a piece of the vocabulary itself.
const AddedTokenRecord* added_token(const Vocabulary& vocabulary, uint32_t id) {
  const auto added = vocabulary.added_tokens();
  const auto found = std::ranges::find(added, id, [](const auto& token) { return token.id; });
  return found == added.end() ? nullptr : &*found;
}

std::string normalized(const Normalizer& normalizer, std::string_view text) {
  NormalizedText to;
  to.reserve_for(text.size());
  normalizer.normalize(text, to);
  return std::string(to.view());
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// One token with the space before it, in the order of the reference.
std::string cleaned_up(std::string token) {
  using Rule = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Rule, 11> rules = {{{" .", "."},
                                                  {" ?", "?"},
                                                  {" !", "!"},
                                                  {" ,", ","},
                                                  {" ' ", "'"},
                                                  {" n't", "n't"},
                                                  {" 'm", "'m"},
                                                  {" do not", " don't"},
                                                  {" 's", "'s"},
                                                  {" 've", "'ve"},
                                                  {" 're", "'re"}}};
  for (const auto& [from, to] : rules) replace_all(token, from, to);
  return token;
}

}  // namespace

std::string decode_word_pieces(const Vocabulary& vocabulary, const Normalizer& normalizer,
                               std::span<const uint32_t> ids, bool skip_special_tokens) {
  std::string text;
  bool is_first = true;
  for (const uint32_t id : ids) {
    std::string piece(vocabulary.piece(id));
    const AddedTokenRecord* const added = added_token(vocabulary, id);
    if (piece.empty() || (skip_special_tokens && added != nullptr && added->special != 0)) continue;
    if (added != nullptr && added->normalized != 0) piece = normalized(normalizer, piece);
    if (is_first) {
      text += cleaned_up(std::move(piece));
    } else if (piece.starts_with(continuation_prefix)) {
      text += cleaned_up(piece.substr(continuation_prefix.size()));
    } else {
      text += cleaned_up(" " + piece);
    }
    is_first = false;
  }
  return text;
}

}  // namespace hilo
