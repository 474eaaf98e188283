#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/text_input.h"
#include "cli/verb.h"
#include "tokenizer/tokenizer.h"

namespace hilo {
namespace {

constexpr const char* tokenize_examples = R"(
Without --model, the vocabulary is the built-in one of bert-base-uncased. Reads the lines of
standard input when no text is given.

Examples:
  hilo tokenize "resize photos from the command line"
  hilo tokenize --model DIR --max-length 16 --json < titles.txt
  hilo tokenize --offsets "resize photos"       where in the text each token stands, in bytes
  hilo tokenize --decode "101 24501 4697 7760 102")";

class TokenizeVerb final : public Verb {
 public:
  CommandWords words() const override {
    return {"tokenize", "Print the pieces and ids of texts", tokenize_examples};
  }

  void add_options(const OptionList& options) override {
    options.text({"--model", "Model directory whose tokenizer is used", "DIR"}, directory_);
    options.texts({"text", "Texts; standard input if there are none", "TEXT..."}, texts_);
    options.number({"--max-length", "Cut to this many ids, special tokens included", "N"},
                   tokens_max_, 2U, 1U << 20U);
    options.flag({"--no-special", "Leave out [CLS], [SEP] and their like"}, no_special_);
    options.flag({"--offsets", "Where each token stands in its text, in bytes"}, with_offsets_);
    options.flag({"--decode", "The texts are ids; print what they stand for"}, decode_);
    options.flag({"--json", "One JSON object for each text"}, json_);
  }

  Status run() override {
    std::optional<Tokenizer> own;
    if (!directory_.empty()) {
      auto tokenizer = Tokenizer::from_directory(directory_);
      if (!tokenizer) return tokenizer.error();
      own = std::move(*tokenizer);
    }
    const Tokenizer& tokenizer = own ? *own : Tokenizer::bert_base_uncased();
    return for_each_text(texts_, [&](const std::string& text) -> Status {
      if (decode_) return print_decoded(tokenizer, text);
      const auto encode_into = [&](size_t room) {
        ids_.resize(room);
        offsets_.resize(with_offsets_ ? room : 0);
        return tokenizer.encode(text,
                                {.tokens_max = tokens_max_, .add_special_tokens = !no_special_},
                                scratch_, ids_, {}, offsets_);
      };
      const Encoding encoding =
          encode_all(text.size() + special_tokens_room, tokens_max_, encode_into);
      print(tokenizer, text, encoding);
      return {};
    });
  }

 private:
  static constexpr size_t special_tokens_room = 16;

  Status print_decoded(const Tokenizer& tokenizer, const std::string& text) {
    std::istringstream words{text};
    ids_.clear();
    for (uint32_t id = 0; words >> id;) ids_.push_back(id);
    if (!words.eof()) return Error{fmt::format("\"{}\" is no list of ids", text)};
    fmt::print("{}\n", tokenizer.decode(ids_, no_special_));
    return {};
  }

  void print(const Tokenizer& tokenizer, const std::string& text, Encoding encoding) const {
    const auto ids = std::span{ids_}.first(encoding.tokens);
    if (json_) return print_json(tokenizer, text, ids, encoding.truncated);
    fmt::print("{}\n", text);
    for (size_t at = 0; at < ids.size(); ++at) {
      fmt::print("{:>8}  {}", ids[at], tokenizer.piece(ids[at]));
      if (with_offsets_) fmt::print("  {}-{}", offsets_[at].begin, offsets_[at].end);
      fmt::print("\n");
    }
    fmt::print("{:>8}  {}\n", ids.size(), encoding.truncated ? "ids, cut" : "ids");
  }

  void print_json(const Tokenizer& tokenizer, const std::string& text,
                  std::span<const uint32_t> ids, bool truncated) const {
    std::vector<std::string> pieces;
    for (const uint32_t id : ids) pieces.push_back(json_string(std::string{tokenizer.piece(id)}));
    std::vector<std::string> offsets;
    for (size_t at = 0; with_offsets_ && at < ids.size(); ++at) {
      offsets.push_back(fmt::format("[{}, {}]", offsets_[at].begin, offsets_[at].end));
    }
    fmt::print("{{\"text\": {}, \"ids\": [{}], \"pieces\": [{}], {}\"truncated\": {}}}\n",
               json_string(text), fmt::join(ids, ", "), fmt::join(pieces, ", "),
               with_offsets_ ? fmt::format("\"offsets\": [{}], ", fmt::join(offsets, ", ")) : "",
               truncated);
  }

  std::string directory_;
  std::vector<std::string> texts_;
  uint32_t tokens_max_ = 0;
  bool no_special_ = false;
  bool json_ = false;
  bool with_offsets_ = false;
  bool decode_ = false;
  std::vector<uint32_t> ids_;
  std::vector<TokenOffsets> offsets_;
  TokenizerScratch scratch_;
};

}  // namespace

std::unique_ptr<Verb> make_tokenize_verb() { return std::make_unique<TokenizeVerb>(); }

}  // namespace hilo
