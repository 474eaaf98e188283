// A tokenizer as its files describe it, before it is compiled.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/decoder_steps.h"
#include "tokenizer/family_parts.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/piece_list.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/token_offsets.h"

namespace hilo {

// A text that is a token wherever it stands, such as [SEP].
struct AddedToken {
  std::string content;
  uint32_t id = 0;
  bool special = false;
  bool single_word = false;  // only where no word character is its neighbour
  bool lstrip = false;       // takes the whitespace before it, too
  bool rstrip = false;
  bool normalized = false;  // looked for in the normalized text
};

// One place of the sequence that a text becomes: a token, or where a text's own tokens go.
struct TemplateItem {
  static constexpr uint32_t first_text = 0xFFFFFFFF;
  static constexpr uint32_t second_text = 0xFFFFFFFE;
  uint32_t id;
  uint32_t type;
};

// What only Unigram and byte-level BPE have.
struct FamilyDescription {
  std::vector<double> scores;  // Unigram: of each piece, by its id
  std::vector<MergeRecord> merges;
  bool byte_fallback = false;
  bool fuse_unknown = false;
  bool ignore_merges = false;
  std::vector<NormalizerStep> steps;
  std::string charsmap;
  PreTokenizerOptions pre_tokenizer;
};

struct TokenizerDescription {
  TokenizerFamily family = TokenizerFamily::word_piece;
  PieceList pieces;
  std::string unknown_piece = "[UNK]";  // empty: none, which only byte-level BPE allows
  std::string continuation_prefix = "##";
  uint32_t word_characters_max = 100;
  NormalizerOptions normalizer;  // WordPiece's
  FamilyDescription subwords;    // for the other families
  std::vector<AddedToken> added;
  OffsetTrimming trimming;
  std::vector<DecoderStep> decoder;
  std::vector<TemplateItem> single = {{TemplateItem::first_text, 0}};
  std::vector<TemplateItem> pair = {{TemplateItem::first_text, 0}, {TemplateItem::second_text, 1}};
  uint64_t source_hash = 0;  // of the file it came from

  std::optional<uint32_t> id_of(std::string_view content) const;
  // Gives an added token its id: that of its piece, else a new one, as the reference counts them.
  void add(AddedToken token);
  // [CLS] A [SEP] and [CLS] A [SEP] B [SEP].
  void use_bert_template(uint32_t cls, uint32_t sep);
  // <s> A </s> and <s> A </s></s> B </s>, all of type 0.
  void use_roberta_template(uint32_t cls, uint32_t sep);
};

// `text` is a whole file; `name` is what messages call it.
Result<TokenizerDescription> describe_tokenizer_json(std::string_view text,
                                                     const std::string& name);
// `config` is the text of tokenizer_config.json, or empty for what bert-base-uncased uses.
Result<TokenizerDescription> describe_vocabulary_text(std::string_view text,
                                                      const std::string& name,
                                                      std::string_view config);
// tokenizer.json, else vocab.txt with tokenizer_config.json.
Result<TokenizerDescription> describe_directory(const std::filesystem::path& directory);
Result<std::string> read_text_file(const std::filesystem::path& path);

uint64_t hash_of_source(std::string_view text);

}  // namespace hilo
