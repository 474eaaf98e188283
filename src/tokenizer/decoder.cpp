#include "tokenizer/decoder.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace hilo {

namespace {

constexpr std::string_view continuation_prefix = "##";

bool is_special(const Vocabulary& vocabulary, uint32_t id) {
  return std::ranges::any_of(vocabulary.added_tokens(), [id](const AddedTokenRecord& token) {
    return token.id == id && token.special != 0;
  });
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

std::string decode_word_pieces(const Vocabulary& vocabulary, std::span<const uint32_t> ids,
                               bool skip_special_tokens) {
  std::string text;
  bool is_first = true;
  for (const uint32_t id : ids) {
    const std::string_view piece = vocabulary.piece(id);
    if (piece.empty() || (skip_special_tokens && is_special(vocabulary, id))) continue;
    if (is_first) {
      text += cleaned_up(std::string(piece));
    } else if (piece.starts_with(continuation_prefix)) {
      text += cleaned_up(std::string(piece.substr(continuation_prefix.size())));
    } else {
      text += cleaned_up(" " + std::string(piece));
    }
    is_first = false;
  }
  return text;
}

}  // namespace hilo
