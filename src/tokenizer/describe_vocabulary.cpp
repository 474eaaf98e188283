// Reads vocab.txt (one piece a line, its id the line's number) with the settings of
// tokenizer_config.json: the older form of a BERT tokenizer.
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tokenizer/description.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

using Json = nlohmann::json;

std::string_view without_trailing_whitespace(std::string_view line) {
  while (!line.empty()) {
    const DecodedCharacter last = decode_last(line);
    if (!is_whitespace(last.code_point)) break;
    line.remove_suffix(last.bytes);
  }
  return line;
}

PieceList pieces_of_lines(std::string_view text) {
  PieceList pieces;
  for (uint32_t id = 0; !text.empty(); ++id) {
    const size_t line_bytes = std::min(text.find('\n'), text.size());
    // Where two lines are equal, the reference keeps the later id.
    pieces.insert_or_assign(std::string(without_trailing_whitespace(text.substr(0, line_bytes))),
                            id);
    text.remove_prefix(std::min(line_bytes + 1, text.size()));
  }
  return pieces;
}

// A token is written as its text, or as an object with flags.
AddedToken special_token(const Json& config, const char* key, const char* otherwise) {
  AddedToken token{.content = otherwise, .special = true};
  const auto found = config.find(key);
  if (found == config.end()) return token;
  if (found->is_string()) token.content = found->get<std::string>();
  if (!found->is_object()) return token;
  const auto flag = [found](const char* name) {
    const auto value = found->find(name);
    return value != found->end() && value->is_boolean() && value->get<bool>();
  };
  const auto content = found->find("content");
  if (content != found->end() && content->is_string()) token.content = content->get<std::string>();
  token.single_word = flag("single_word");
  token.lstrip = flag("lstrip");
  token.rstrip = flag("rstrip");
  token.normalized = flag("normalized");
  return token;
}

// Also in its older, "fast" form.
bool is_of_class(const Json& config, std::string_view name) {
  const auto value = config.find("tokenizer_class");
  return value != config.end() && value->is_string() &&
         value->get_ref<const Json::string_t&>().starts_with(name);
}

bool flag_of(const Json& config, const char* key, bool otherwise) {
  const auto value = config.find(key);
  return value != config.end() && value->is_boolean() ? value->get<bool>() : otherwise;
}

}  // namespace

Result<TokenizerDescription> describe_vocabulary_text(std::string_view text,
                                                      const std::string& name,
                                                      std::string_view config) {
  if (!is_valid_utf8(text)) return Error{fmt::format("{} is not valid UTF-8", name)};
  const Json settings = config.empty() ? Json::object() : Json::parse(config, nullptr, false);
  if (!settings.is_object()) {
    return Error{fmt::format("tokenizer_config.json beside {} is not a JSON object", name)};
  }
  if (!flag_of(settings, "do_basic_tokenize", true)) {
    return Error{fmt::format("{}: do_basic_tokenize false is not supported", name)};
  }

  TokenizerDescription description;
  description.pieces = pieces_of_lines(text);
  description.source_hash = hash_of_source(text);
  description.decoder = {{.kind = DecoderKind::word_piece,
                          .pattern = {description.continuation_prefix},
                          .flag = true}};
  NormalizerOptions& normalizer = description.normalizer;
  normalizer.clean_text = true;
  normalizer.handle_chinese_chars = flag_of(settings, "tokenize_chinese_chars", true);
  normalizer.lowercase = flag_of(settings, "do_lower_case", true);
  normalizer.strip_accents = flag_of(settings, "strip_accents", normalizer.lowercase);

  struct Special {
    const char* key;
    const char* otherwise;
  };
  constexpr std::array<Special, 5> specials = {{{"pad_token", "[PAD]"},
                                                {"unk_token", "[UNK]"},
                                                {"cls_token", "[CLS]"},
                                                {"sep_token", "[SEP]"},
                                                {"mask_token", "[MASK]"}}};
  for (const auto& [key, otherwise] : specials) {
    const AddedToken token = special_token(settings, key, otherwise);
    if (!description.pieces.contains(token.content)) {
      return Error{fmt::format("{} lacks the piece {} that is its {}", name, token.content, key)};
    }
    description.add(token);
  }
  description.unknown_piece = description.added[1].content;
  const uint32_t cls = description.added[2].id;
  const uint32_t sep = description.added[3].id;
  // MPNet has BERT's pieces in RoBERTa's sequences.
  if (is_of_class(settings, "MPNetTokenizer")) {
    description.use_roberta_template(cls, sep);
  } else {
    description.use_bert_template(cls, sep);
  }
  return description;
}

}  // namespace hilo
