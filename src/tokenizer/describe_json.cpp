// Reads tokenizer.json. Whatever would change the ids and is not known here is refused by name,
// because an embedding of wrong tokens looks like any other. Truncation and padding of the file are
// left out on purpose: the caller says how much to keep, and nothing here is padded.
#include <initializer_list>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tokenizer/description.h"

namespace hilo {

namespace {

using Json = nlohmann::json;

const Json& member(const Json& object, const char* key) {
  static const Json absent;
  if (!object.is_object()) return absent;
  const auto found = object.find(key);
  return found == object.end() ? absent : *found;
}

bool flag(const Json& object, const char* key, bool otherwise) {
  const Json& value = member(object, key);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

std::string text_of(const Json& object, const char* key, std::string_view otherwise = {}) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

std::optional<uint32_t> as_id(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto number = value.get<uint64_t>();
  if (number > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(number);
}

// One tokenizer.json on its way to a description. Each step says what it could not use.
class TokenizerJson {
 public:
  TokenizerJson(const Json& root, std::string name) : root_(root), name_(std::move(name)) {}

  Result<TokenizerDescription> describe() {
    for (const auto step : {&TokenizerJson::read_model, &TokenizerJson::read_normalizer,
                            &TokenizerJson::read_pre_tokenizer, &TokenizerJson::read_added_tokens,
                            &TokenizerJson::read_post_processor}) {
      const Status status = (this->*step)();
      if (!status) return status.error();
    }
    return std::move(description_);
  }

 private:
  template <class... Arguments>
  Error error(fmt::format_string<Arguments...> sentence, Arguments&&... arguments) const {
    return {
        fmt::format("{}: {}", name_, fmt::format(sentence, std::forward<Arguments>(arguments)...))};
  }

  Status read_model() {
    const Json& model = member(root_, "model");
    // Old files name no type; only WordPiece ones were written then.
    const std::string type = text_of(model, "type", "WordPiece");
    if (type != "WordPiece") {
      return error("the tokenizer is of type {}; WordPiece (BERT and its family) is supported",
                   type);
    }
    const Json& vocabulary = member(model, "vocab");
    if (!vocabulary.is_object() || vocabulary.empty()) return error("it has no model.vocab");
    for (const auto& [piece, value] : vocabulary.items()) {
      const std::optional<uint32_t> id = as_id(value);
      if (!id) return error("the id of the piece \"{}\" is not a whole number", piece);
      description_.pieces.emplace(piece, *id);
    }
    description_.unknown_piece = text_of(model, "unk_token", description_.unknown_piece);
    description_.continuation_prefix =
        text_of(model, "continuing_subword_prefix", description_.continuation_prefix);
    const Json& characters = member(model, "max_input_chars_per_word");
    if (!characters.is_null()) {
      const std::optional<uint32_t> count = as_id(characters);
      if (!count) return error("max_input_chars_per_word is not a whole number");
      description_.word_characters_max = *count;
    }
    return {};
  }

  Status read_normalizer() {
    const Json& normalizer = member(root_, "normalizer");
    if (normalizer.is_null()) return {};
    const std::string type = text_of(normalizer, "type");
    if (type != "BertNormalizer") {
      return error("its normalizer is of type \"{}\"; BertNormalizer is supported", type);
    }
    NormalizerOptions& options = description_.normalizer;
    options.clean_text = flag(normalizer, "clean_text", true);
    options.handle_chinese_chars = flag(normalizer, "handle_chinese_chars", true);
    options.lowercase = flag(normalizer, "lowercase", true);
    options.strip_accents = flag(normalizer, "strip_accents", options.lowercase);
    return {};
  }

  Status read_pre_tokenizer() {
    const std::string type = text_of(member(root_, "pre_tokenizer"), "type");
    if (type == "BertPreTokenizer") return {};
    return error("its pre-tokenizer is of type \"{}\"; BertPreTokenizer is supported", type);
  }

  Status read_added_tokens() {
    for (const Json& token : member(root_, "added_tokens")) {
      const std::string content = text_of(token, "content");
      if (content.empty()) return error("an entry of added_tokens has no content");
      const bool special = flag(token, "special", false);
      description_.add({.content = content,
                        .special = special,
                        .single_word = flag(token, "single_word", false),
                        .lstrip = flag(token, "lstrip", false),
                        .rstrip = flag(token, "rstrip", false),
                        .normalized = flag(token, "normalized", !special)});
    }
    return {};
  }

  Status read_post_processor() {
    const Json& processor = member(root_, "post_processor");
    if (processor.is_null()) return {};
    const std::string type = text_of(processor, "type");
    if (type == "TemplateProcessing") {
      const Status single = read_template(processor, "single", description_.single);
      return single ? read_template(processor, "pair", description_.pair) : single;
    }
    if (type != "BertProcessing" && type != "RobertaProcessing") {
      return error(
          "its post_processor is of type \"{}\"; TemplateProcessing, BertProcessing and "
          "RobertaProcessing are supported",
          type);
    }
    const std::optional<uint32_t> cls = processing_id(processor, "cls");
    const std::optional<uint32_t> sep = processing_id(processor, "sep");
    if (!cls || !sep) return error("its post_processor names no cls or no sep token");
    if (type == "RobertaProcessing") {
      description_.use_roberta_template(*cls, *sep);
    } else {
      description_.use_bert_template(*cls, *sep);
    }
    return {};
  }

  // Written as ["[CLS]", 101].
  static std::optional<uint32_t> processing_id(const Json& processor, const char* key) {
    const Json& token = member(processor, key);
    return token.is_array() && token.size() == 2 ? as_id(token[1]) : std::nullopt;
  }

  Status read_template(const Json& processor, const char* key, std::vector<TemplateItem>& items) {
    items.clear();
    for (const Json& item : member(processor, key)) {
      const Json& sequence = member(item, "Sequence");
      const Json& special = member(item, "SpecialToken");
      const uint32_t type =
          as_id(member(sequence.is_null() ? special : sequence, "type_id")).value_or(0);
      if (!sequence.is_null()) {
        const bool is_first = text_of(sequence, "id") == "A";
        items.push_back({is_first ? TemplateItem::first_text : TemplateItem::second_text, type});
        continue;
      }
      const std::string content = text_of(special, "id");
      const Json& ids = member(member(member(processor, "special_tokens"), content.c_str()), "ids");
      if (!ids.is_array()) return error("its template uses {}, which it does not define", content);
      for (const Json& value : ids) {
        const std::optional<uint32_t> id = as_id(value);
        if (!id) return error("the template token {} has an id that is no whole number", content);
        items.push_back({*id, type});
      }
    }
    return {};
  }

  const Json& root_;
  std::string name_;
  TokenizerDescription description_;
};

}  // namespace

Result<TokenizerDescription> describe_tokenizer_json(std::string_view text,
                                                     const std::string& name) {
  const Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return Error{fmt::format("{} is not a JSON object", name)};
  Result<TokenizerDescription> description = TokenizerJson(root, name).describe();
  if (description) description->source_hash = hash_of_source(text);
  return description;
}

}  // namespace hilo
