// Reads tokenizer.json. Whatever would change the ids and is not known here is refused by name,
// because an embedding of wrong tokens looks like any other. Truncation and padding of the file are
// left out on purpose: the caller says how much to keep, and nothing here is padded.
#include <utility>

#include <fmt/format.h>

#include "tokenizer/describe_steps.h"
#include "tokenizer/description.h"
#include "tokenizer/tokenizer_json.h"

namespace hilo {

namespace {

using Json = nlohmann::json;

// One tokenizer.json on its way to a description. Each step says what it could not use.
class Describer {
 public:
  explicit Describer(TokenizerJson read) : json_(std::move(read)), root_(json_.document) {}

  Result<TokenizerDescription> describe() {
    for (const auto step :
         {&Describer::read_model, &Describer::read_steps, &Describer::read_added_tokens,
          &Describer::read_post_processor, &Describer::read_decoder}) {
      Status status = (this->*step)();
      if (!status) return status.error();
    }
    return std::move(description_);
  }

 private:
  Status read_model() {
    const Json& model = member(root_, "model");
    // Old files name no type; only WordPiece ones were written then.
    const std::string type = text_of(model, "type", "WordPiece");
    if (type == "WordPiece") return read_word_piece(model);
    if (type == "Unigram") return read_unigram(model);
    if (type == "BPE") return read_bpe(model);
    return refused(
        "the tokenizer is of type {}; WordPiece (BERT), Unigram (XLM-R) and byte-level BPE "
        "(RoBERTa) are supported",
        type);
  }

  Status read_pieces(bool as_list) {
    if (json_.without_id) {
      return refused("the id of the piece \"{}\" is not a whole number", *json_.without_id);
    }
    if (!json_.has_vocabulary || json_.pieces.empty()) return refused("it has no model.vocab");
    if (json_.is_vocabulary_malformed || as_list == json_.scores.empty()) {
      return refused("its model.vocab is not {}", as_list ? "a list of pieces with their scores"
                                                          : "an object of pieces and ids");
    }
    description_.pieces = std::move(json_.pieces);
    return {};
  }

  Status read_word_piece(const Json& model) {
    Status pieces = read_pieces(false);
    if (!pieces) return pieces;
    description_.unknown_piece = text_of(model, "unk_token", description_.unknown_piece);
    description_.continuation_prefix =
        text_of(model, "continuing_subword_prefix", description_.continuation_prefix);
    const Json& characters = member(model, "max_input_chars_per_word");
    if (!characters.is_null()) {
      const std::optional<uint32_t> count = as_id(characters);
      if (!count) return refused("max_input_chars_per_word is not a whole number");
      description_.word_characters_max = *count;
    }
    return {};
  }

  Status read_unigram(const Json& model) {
    description_.family = TokenizerFamily::unigram;
    if (json_.twice) return refused("its model.vocab has the piece \"{}\" twice", *json_.twice);
    Status pieces = read_pieces(true);
    if (!pieces) return pieces;
    const std::optional<uint32_t> unknown = as_id(member(model, "unk_id"));
    if (!unknown || *unknown >= description_.pieces.size()) {
      return refused("its unk_id is the id of no piece");
    }
    description_.unknown_piece = description_.pieces.begin()[*unknown].text;
    description_.subwords.scores = std::move(json_.scores);
    description_.subwords.byte_fallback = flag(model, "byte_fallback", false);
    return {};
  }

  Status read_bpe(const Json& model) {
    description_.family = TokenizerFamily::byte_level_bpe;
    Status pieces = read_pieces(false);
    if (!pieces) return pieces;
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (!text_of(model, key).empty()) return refused("its BPE has a {}", key);
    }
    const Json& dropout = member(model, "dropout");
    if (!dropout.is_null() && dropout != 0) return refused("its BPE has dropout");
    if (flag(model, "byte_fallback", false)) return refused("its BPE has byte_fallback");
    description_.unknown_piece = text_of(model, "unk_token");
    description_.subwords.fuse_unknown = flag(model, "fuse_unk", false);
    description_.subwords.ignore_merges = flag(model, "ignore_merges", false);
    return read_merges();
  }

  Status read_merges() {
    if (json_.are_merges_malformed) return refused("its model.merges are no list of pairs");
    std::vector<MergeRecord>& merges = description_.subwords.merges;
    merges.reserve(json_.merges.size());
    std::string joined;
    for (const auto& [left, right] : json_.merges) {
      joined = left;
      joined += right;
      const Piece* parts[] = {description_.pieces.find(left), description_.pieces.find(right),
                              description_.pieces.find(joined)};
      if (parts[0] == nullptr || parts[1] == nullptr || parts[2] == nullptr) {
        return refused("its merge of \"{}\" and \"{}\" uses a piece that is not in model.vocab",
                       left, right);
      }
      merges.push_back(
          {parts[0]->id, parts[1]->id, static_cast<uint32_t>(merges.size()), parts[2]->id});
    }
    return {};
  }

  Status read_steps() {
    const Json& normalizer = member(root_, "normalizer");
    const Json& pre_tokenizer = member(root_, "pre_tokenizer");
    if (description_.family == TokenizerFamily::word_piece) {
      return describe_bert_steps(normalizer, pre_tokenizer, description_.normalizer);
    }
    Status status = describe_normalizer(normalizer, description_.subwords);
    if (!status) return status;
    return describe_pre_tokenizer(pre_tokenizer, description_.family,
                                  description_.subwords.pre_tokenizer);
  }

  Status read_added_tokens() {
    for (const Json& token : member(root_, "added_tokens")) {
      const std::string content = text_of(token, "content");
      if (content.empty()) return refused("an entry of added_tokens has no content");
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
    return describe_post_processor(member(root_, "post_processor"), description_);
  }

  Status read_decoder() { return describe_decoder(member(root_, "decoder"), description_.decoder); }

  TokenizerJson json_;
  const Json& root_;
  TokenizerDescription description_;
};

}  // namespace

Result<TokenizerDescription> describe_tokenizer_json(std::string_view text,
                                                     const std::string& name) {
  std::optional<TokenizerJson> read = read_tokenizer_json(text);
  if (!read) return Error{fmt::format("{} is not a JSON object", name)};
  Result<TokenizerDescription> description = Describer(std::move(*read)).describe();
  if (!description) return Error{fmt::format("{}: {}", name, description.error().message)};
  description->source_hash = hash_of_source(text);
  return description;
}

}  // namespace hilo
