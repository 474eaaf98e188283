#include "tokenizer/decoder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "tokenizer/aligned_view.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

using Tokens = std::vector<std::string>;

// Null for a piece of the vocabulary itself.
const AddedTokenRecord* added_token(const Vocabulary& vocabulary, uint32_t id) {
  const auto added = vocabulary.added_tokens();
  const auto found = std::ranges::find(added, id, [](const auto& token) { return token.id; });
  return found == added.end() ? nullptr : &*found;
}

std::string replaced(std::string_view text, const TextPattern& pattern, std::string_view content) {
  std::string made;
  size_t at = 0;
  while (const auto match = pattern.find(text, at)) {
    made.append(text, at, match->begin - at).append(content);
    at = match->end;
  }
  return made.append(text, at);
}

// One token with the space before it, in the order of the reference.
std::string cleaned_up(std::string token) {
  using Rule = std::pair<const char*, const char*>;
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
  for (const auto& [from, to] : rules) token = replaced(token, {from}, to);
  return token;
}

void join_word_pieces(const DecoderStep& step, Tokens& tokens) {
  const std::string& prefix = step.pattern.text;
  bool is_first = true;
  for (std::string& token : tokens) {
    if (!std::exchange(is_first, false)) {
      if (token.starts_with(prefix)) {
        token.erase(0, prefix.size());
      } else {
        token.insert(0, " ");
      }
    }
    if (step.flag) token = cleaned_up(std::move(token));
  }
}

Tokens joined_bytes(const Tokens& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) bytes += bytes_of_piece(token).value_or(token);
  AlignedBuffer copy;
  return {std::string(to_valid_utf8(bytes, false, copy).text)};
}

void put_spaces_for_marks(const DecoderStep& step, Tokens& tokens) {
  const TextPattern mark{step.content};
  bool is_first = true;
  for (std::string& token : tokens) {
    const bool loses_marks = std::exchange(is_first, false) && !step.flag;
    token = replaced(token, mark, loses_marks ? "" : " ");
  }
}

// Of a token such as <0x41>.
std::optional<char> fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  uint8_t byte = 0;
  const char* const end = token.data() + 5;
  if (std::from_chars(token.data() + 3, end, byte, 16).ptr != end) return std::nullopt;
  return static_cast<char>(byte);
}

// Neighbours that are no text together are a U+FFFD each.
Tokens with_fallback_bytes(const Tokens& tokens) {
  Tokens made;
  std::string bytes;
  const auto end_bytes = [&] {
    if (is_valid_utf8(bytes)) {
      if (!bytes.empty()) made.push_back(bytes);
    } else {
      const EncodedCharacter replacement = encode_character(replacement_character);
      made.insert(made.end(), bytes.size(), std::string(replacement.view()));
    }
    bytes.clear();
  };
  for (const std::string& token : tokens) {
    if (const std::optional<char> byte = fallback_byte(token)) {
      bytes += *byte;
    } else {
      end_bytes();
      made.push_back(token);
    }
  }
  end_bytes();
  return made;
}

void strip(const DecoderStep& step, std::string& token) {
  const std::string& content = step.content;
  std::string_view kept = token;
  for (uint32_t count = 0; count < step.start && kept.starts_with(content); ++count)
    kept.remove_prefix(content.size());
  for (uint32_t count = 0; count < step.stop && kept.ends_with(content); ++count)
    kept.remove_suffix(content.size());
  token = std::string(kept);
}

std::string joined(const Tokens& tokens, std::string_view between) {
  std::string text;
  for (const std::string& token : tokens) {
    if (&token != &tokens.front()) text += between;
    text += token;
  }
  return text;
}

Tokens run(const DecoderStep& step, Tokens tokens) {
  switch (step.kind) {
    case DecoderKind::word_piece:
      join_word_pieces(step, tokens);
      return tokens;
    case DecoderKind::byte_level:
      return joined_bytes(tokens);
    case DecoderKind::metaspace:
      put_spaces_for_marks(step, tokens);
      return tokens;
    case DecoderKind::byte_fallback:
      return with_fallback_bytes(tokens);
    case DecoderKind::replace:
      for (std::string& token : tokens) token = replaced(token, step.pattern, step.content);
      return tokens;
    case DecoderKind::strip:
      for (std::string& token : tokens) strip(step, token);
      return tokens;
    case DecoderKind::fuse:
      return {joined(tokens, "")};
  }
  return tokens;
}

}  // namespace

std::vector<std::string> tokens_of(const Vocabulary& vocabulary, std::span<const uint32_t> ids,
                                   bool skip_special_tokens,
                                   const std::function<std::string(std::string_view)>& normalize) {
  Tokens tokens;
  for (const uint32_t id : ids) {
    const std::string_view piece = vocabulary.piece(id);
    if (piece.empty()) continue;
    const AddedTokenRecord* const added = added_token(vocabulary, id);
    std::string token =
        added != nullptr && added->normalized != 0 ? normalize(piece) : std::string(piece);
    // The reference knows special tokens by their text.
    const bool is_special = added != nullptr && added->special != 0 && token == piece;
    if (!skip_special_tokens || !is_special) tokens.push_back(std::move(token));
  }
  return tokens;
}

std::string decode_tokens(std::span<const DecoderStep> steps, std::vector<std::string> tokens) {
  if (steps.empty()) return joined(tokens, " ");
  for (const DecoderStep& step : steps) tokens = run(step, std::move(tokens));
  return joined(tokens, "");
}

}  // namespace hilo
