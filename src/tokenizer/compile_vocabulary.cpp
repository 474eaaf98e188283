// From a description to a blob: pieces into pointer tries, those into one flat trie, and everything
// into one block of bytes.
#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/ensure.h"
#include "tokenizer/blob_layout.h"
#include "tokenizer/compile_family.h"
#include "tokenizer/normalizer_sequence.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

namespace {

Trie& trie_of(std::array<Trie, trie_roles>& tries, TrieRole role) {
  return tries[static_cast<size_t>(role)];
}

void insert_word_pieces(const TokenizerDescription& description,
                        std::array<Trie, trie_roles>& tries) {
  const Normalizer normalizer(description.normalizer);
  const std::string& prefix = description.continuation_prefix;
  // No word of two characters begins with punctuation, so "##ing" can never begin a word.
  const bool prefix_is_punctuation =
      !prefix.empty() &&
      normalizer.rule_of(decode_first(prefix).code_point).kind == CharacterKind::alone;
  for (const auto& [piece, id] : description.pieces) {
    const bool continues = piece.starts_with(prefix);
    if (continues && piece.size() > prefix.size()) {
      trie_of(tries, TrieRole::continuation).insert(piece.substr(prefix.size()), id);
    }
    const bool begins = !continues || !prefix_is_punctuation || piece.size() == prefix.size();
    if (begins && !piece.empty()) trie_of(tries, TrieRole::word_start).insert(piece, id);
  }
}

// Added tokens that are looked for in normalized text are normalized, too.
std::string normalized_text(const TokenizerDescription& description,
                            const NormalizerSequence& sequence, const std::string& text) {
  if (description.family != TokenizerFamily::word_piece) {
    NormalizerScratch scratch;
    return std::string(sequence.normalize({text}, scratch).text);
  }
  NormalizedText normalized;
  normalized.reserve_for(text.size());
  Normalizer(description.normalizer).normalize(text, normalized);
  return std::string(normalized.view());
}

std::array<Trie, trie_roles> make_tries(const TokenizerDescription& description,
                                        const NormalizerSequence& sequence) {
  std::array<Trie, trie_roles> tries;
  if (description.family == TokenizerFamily::word_piece) {
    insert_word_pieces(description, tries);
  } else {
    insert_pieces(description, trie_of(tries, TrieRole::word_start));
  }
  for (uint32_t place = 0; place < description.added.size(); ++place) {
    const AddedToken& token = description.added[place];
    if (!token.normalized) {
      trie_of(tries, TrieRole::added_raw).insert(token.content, place);
      continue;
    }
    const std::string normalized = normalized_text(description, sequence, token.content);
    // One that normalizes to nothing is never found.
    if (normalized.empty()) continue;
    trie_of(tries, TrieRole::added_normalized).insert(normalized, place);
  }
  return tries;
}

struct PieceTable {
  std::vector<uint32_t> ends;
  std::string text;
};

PieceTable make_piece_table(const TokenizerDescription& description, uint32_t id_count) {
  std::vector<std::string_view> piece_of_id(id_count);
  for (const auto& [piece, id] : description.pieces) piece_of_id[id] = piece;
  for (const AddedToken& token : description.added) piece_of_id[token.id] = token.content;
  PieceTable table;
  for (const std::string_view piece : piece_of_id) {
    if (!piece.empty()) table.text.append(piece).push_back('\0');
    table.ends.push_back(static_cast<uint32_t>(table.text.size()));
  }
  return table;
}

// Places sections one after the other; the blob is made when all are known.
class BlobWriter {
 public:
  template <class T>
  blob::Section add(const std::vector<T>& items) {
    return add(std::as_bytes(std::span(items)));
  }
  blob::Section add(std::span<const std::byte> bytes) {
    const blob::Section section{size_, bytes.size()};
    sections_.emplace_back(section.offset, bytes);
    size_ += (bytes.size() + blob_alignment - 1) / blob_alignment * blob_alignment;
    return section;
  }

  Blob finish(blob::Header header) const {
    Blob made(size_);
    header.blob_bytes = size_;
    std::memcpy(made.bytes().data(), &header, sizeof(header));
    for (const auto& [offset, bytes] : sections_) {
      std::copy(bytes.begin(), bytes.end(), made.bytes().begin() + static_cast<ptrdiff_t>(offset));
    }
    return made;
  }

 private:
  size_t size_ = (sizeof(blob::Header) + blob_alignment - 1) / blob_alignment * blob_alignment;
  std::vector<std::pair<size_t, std::span<const std::byte>>> sections_;
};

void add_family(const FamilyImage& family, BlobWriter& writer, blob::Header& header) {
  header.options = family.options;
  header.scores = writer.add(family.scores);
  header.byte_ids = writer.add(family.byte_ids);
  header.merges = writer.add(family.merges);
  header.steps = writer.add(family.steps);
  header.step_text = writer.add(std::as_bytes(std::span(family.step_text)));
  header.charsmap = writer.add(std::as_bytes(std::span(family.charsmap)));
}

struct DecoderImage {
  std::vector<DecoderStepRecord> steps;
  std::string text;
};

DecoderImage make_decoder_image(std::span<const DecoderStep> steps) {
  DecoderImage image;
  for (const DecoderStep& step : steps) {
    image.steps.push_back({.kind = static_cast<uint32_t>(step.kind),
                           .flag = step.flag ? 1U : 0U,
                           .start = step.start,
                           .stop = step.stop,
                           .run_min = step.pattern.run_min,
                           .text_begin = static_cast<uint32_t>(image.text.size()),
                           .pattern_bytes = static_cast<uint32_t>(step.pattern.text.size()),
                           .content_bytes = static_cast<uint32_t>(step.content.size())});
    image.text += step.pattern.text + step.content;
  }
  return image;
}

uint32_t flags_of(const NormalizerOptions& options, OffsetTrimming trimming, bool wide_values) {
  return (options.clean_text ? blob::flag_clean_text : 0U) |
         (options.handle_chinese_chars ? blob::flag_handle_chinese_chars : 0U) |
         (options.strip_accents ? blob::flag_strip_accents : 0U) |
         (options.lowercase ? blob::flag_lowercase : 0U) |
         (trimming.trims ? blob::flag_trims_offsets : 0U) |
         (trimming.keeps_prefix ? blob::flag_trimming_keeps_prefix : 0U) |
         (wide_values ? blob::flag_wide_values : 0U);
}

Result<uint32_t> count_ids(const TokenizerDescription& description) {
  uint32_t last = 0;
  for (const auto& [piece, id] : description.pieces) last = std::max(last, id);
  for (const AddedToken& token : description.added) last = std::max(last, token.id);
  if (last >= ids_max) {
    return Error{fmt::format("the vocabulary has an id of {}; ids up to {} are supported", last,
                             ids_max - 1)};
  }
  return last + 1;
}

}  // namespace

Result<Blob> compile_vocabulary(const TokenizerDescription& description) {
  const Result<uint32_t> id_count = count_ids(description);
  if (!id_count) return id_count.error();
  const bool may_lack_unknown =
      description.family == TokenizerFamily::byte_level_bpe && description.unknown_piece.empty();
  const std::optional<uint32_t> unknown =
      may_lack_unknown ? no_id : description.id_of(description.unknown_piece);
  if (!unknown) {
    return Error{fmt::format("the vocabulary lacks its piece for unknown words, {}",
                             description.unknown_piece)};
  }
  const FamilyImage family = make_family_image(description, *id_count);
  const Result<NormalizerSequence> sequence = NormalizerSequence::open(family.parts());
  if (!sequence) return sequence.error();
  const Result<FlatTries> flat = flatten(make_tries(description, *sequence));
  if (!flat) return flat.error();

  const PieceTable pieces = make_piece_table(description, *id_count);
  std::vector<AddedTokenRecord> added;
  added.reserve(description.added.size());
  for (const AddedToken& token : description.added) {
    added.push_back({token.id, token.special, token.single_word, token.lstrip, token.rstrip,
                     token.normalized, 0});
  }
  const bool wide = id_count.value() > 0x10000;
  const std::vector<uint16_t> narrow_values(flat.value().values.begin(), flat.value().values.end());

  const DecoderImage decoder = make_decoder_image(description.decoder);
  BlobWriter writer;
  blob::Header header{};
  header.magic = blob::magic;
  header.format_version = blob::format_version;
  header.flags = flags_of(description.normalizer, description.trimming, wide);
  header.family = description.family;
  header.source_hash = description.source_hash;
  header.unknown_id = *unknown;
  header.word_characters_max = description.word_characters_max;
  std::copy_n(flat.value().root_bases.begin(), trie_roles, header.root_bases.begin());
  header.units = writer.add(flat.value().units);
  header.values = wide ? writer.add(flat.value().values) : writer.add(narrow_values);
  header.piece_ends = writer.add(pieces.ends);
  header.piece_text = writer.add(std::as_bytes(std::span(pieces.text)));
  header.added_tokens = writer.add(added);
  header.single_template = writer.add(description.single);
  header.pair_template = writer.add(description.pair);
  add_family(family, writer, header);
  header.decoder_steps = writer.add(decoder.steps);
  header.decoder_text = writer.add(std::as_bytes(std::span(decoder.text)));
  Blob made = writer.finish(header);
  // The reader's rules are the rules: what it would refuse is refused here, too.
  const Result<Vocabulary> opened = Vocabulary::open(made.bytes());
  if (!opened) return opened.error();
  return made;
}

}  // namespace hilo
