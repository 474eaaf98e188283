// Text to token ids, identical to the Hugging Face `tokenizers` library for every input.
// Threads: a Tokenizer never changes after it is made; any number of threads may call encode(),
// each with its own scratch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/token_offsets.h"

namespace hilo {

class Blob;
class TokenBuffer;
struct TokenizerDescription;

struct EncodeOptions {
  // Ids written at most, special tokens included. 0: no limit but the room given. 1 is refused
  // where the template adds two.
  uint32_t tokens_max = 0;
  bool add_special_tokens = true;
  // Cut from the end (false) or from the start (true).
  bool truncate_left = false;
  // Special tokens written in the text, such as "[SEP]", become their ids, as in the reference.
  // False reads them as plain text, for texts of strangers.
  bool match_special_tokens = true;
  // What the offsets count, where any are asked for.
  OffsetUnit offset_unit = OffsetUnit::bytes;
};

struct TextPair {
  std::string_view first;
  std::string_view second;
};

struct Encoding {
  uint32_t tokens = 0;     // ids written
  bool truncated = false;  // the text had more
};

// Buffers of one thread, reused from text to text; grows to what the longest text needed and stays
// there.
class TokenizerScratch {
 public:
  TokenizerScratch();
  ~TokenizerScratch();
  TokenizerScratch(TokenizerScratch&&) noexcept;
  TokenizerScratch& operator=(TokenizerScratch&&) noexcept;
  struct Buffers;
  Buffers& buffers() { return *buffers_; }

 private:
  std::unique_ptr<Buffers> buffers_;
};

class Tokenizer {
 public:
  // Reads tokenizer.json, else vocab.txt with tokenizer_config.json, of a Hugging Face model
  // directory.
  static Result<Tokenizer> from_directory(const std::filesystem::path& directory);
  // The bert-base-uncased vocabulary that is compiled into this executable.
  static const Tokenizer& bert_base_uncased();
  // A vocabulary compiled by hilo-vocabulary, used in place: it begins at a multiple of 64 bytes
  // and stays where it is as long as the tokenizer.
  static Result<Tokenizer> from_compiled(std::span<const std::byte> blob);
  static Result<Tokenizer> from_description(const TokenizerDescription& description);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Ids that the template adds to a text, or to two. EncodeOptions::tokens_max, where it is not 0,
  // and the size of `ids` are at least this if special tokens are added.
  uint32_t special_tokens_added(bool pair) const;

  // Writes the ids of `text` (valid UTF-8; invalid parts are read as U+FFFD) to `ids`. Types (token
  // type ids: 0 for the first text, 1 for the second) go to `types` when it is not empty; it then
  // has the size of `ids`. So do `offsets`, which say where in its text each token stands; asking
  // for them makes encoding several times as slow.
  Encoding encode(std::string_view text, const EncodeOptions& options, TokenizerScratch& scratch,
                  std::span<uint32_t> ids, std::span<uint8_t> types = {},
                  std::span<TokenOffsets> offsets = {}) const;
  // Two texts as one sequence, cut longest-first.
  Encoding encode_pair(TextPair texts, const EncodeOptions& options, TokenizerScratch& scratch,
                       std::span<uint32_t> ids, std::span<uint8_t> types = {},
                       std::span<TokenOffsets> offsets = {}) const;

  // The text that the ids stand for, apart from what the normalizer changed.
  std::string decode(std::span<const uint32_t> ids, bool skip_special_tokens) const;

  // The piece of an id, "##" included; empty for an id without one.
  std::string_view piece(uint32_t id) const;
  std::optional<uint32_t> id_of(std::string_view piece) const;
  uint32_t vocabulary_size() const;  // largest id + 1

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  void tokenize_subwords(std::string_view text, bool match_special,
                         TokenizerScratch::Buffers& buffers, TokenBuffer& tokens) const;
  // Text that lies between added tokens.
  void append_plain(std::string_view text, size_t begin, bool match_special,
                    TokenizerScratch::Buffers& buffers, TokenBuffer& tokens) const;
  void append_plain_with_offsets(std::string_view text, size_t begin, bool match_special,
                                 TokenizerScratch::Buffers& buffers, TokenBuffer& tokens) const;
  static Result<Tokenizer> from_json(const std::filesystem::path& path);
  static Result<Tokenizer> from_blob(Blob blob);
  // `owned` holds the bytes, or nothing does and they stay where they are.
  static Result<Tokenizer> open(std::span<const std::byte> bytes, std::optional<Blob> owned);
  void tokenize(std::string_view text, bool match_special, TokenizerScratch::Buffers& buffers,
                TokenBuffer& tokens) const;
  std::unique_ptr<State> state_;
};

// All tokens of a text, as many as tokens_max allows: `encode` is called with room for so many, and
// with more where that was not enough. A text may have more tokens than bytes, because a normalizer
// may lengthen it.
template <class Encode>
Encoding encode_all(size_t room, uint32_t tokens_max, const Encode& encode) {
  while (true) {
    const Encoding encoding = encode(room);
    const bool has_all = !encoding.truncated || (tokens_max != 0 && encoding.tokens >= tokens_max);
    if (has_all) return encoding;
    room = 2 * room + 1;
  }
}

// A whole text is valid UTF-8 (Unicode table 3-7: no overlong forms, no surrogates, nothing above
// U+10FFFF).
bool is_valid_utf8(std::string_view text);

}  // namespace hilo
