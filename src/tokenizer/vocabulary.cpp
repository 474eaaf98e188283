#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/ensure.h"
#include "tokenizer/blob_layout.h"

namespace hilo {

namespace {

// The items of a section, or an error if it does not lie in the blob as it should.
template <class T>
Result<std::span<const T>> items_of(std::span<const std::byte> blob, blob::Section section,
                                    const char* name) {
  if (section.offset % blob_alignment != 0 || section.bytes % sizeof(T) != 0 ||
      section.offset > blob.size() || section.bytes > blob.size() - section.offset) {
    return Error{fmt::format("the compiled vocabulary is damaged: its {} are out of place", name)};
  }
  const auto* first = reinterpret_cast<const T*>(blob.data() + section.offset);
  return std::span(first, section.bytes / sizeof(T));
}

template <class T>
Status read_section(std::span<const std::byte> blob, blob::Section section, const char* name,
                    std::span<const T>& items) {
  const Result<std::span<const T>> found = items_of<T>(blob, section, name);
  if (!found) return found.error();
  items = *found;
  return {};
}

Status damaged(const char* what) {
  return Error{fmt::format("the compiled vocabulary is damaged: {}", what)};
}

Result<blob::Header> read_header(std::span<const std::byte> bytes) {
  blob::Header header;
  if (bytes.size() < sizeof(header)) return Error{"the compiled vocabulary is cut short"};
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != blob::magic) return Error{"this is not a compiled vocabulary of hilo"};
  if (header.format_version != blob::format_version) {
    return Error{
        fmt::format("the compiled vocabulary has format {}, this hilo reads format {}: "
                    "compile it again",
                    header.format_version, blob::format_version)};
  }
  if (header.blob_bytes != bytes.size()) return Error{"the compiled vocabulary is cut short"};
  if ((header.flags & ~uint32_t{blob::flags_known}) != 0) return damaged("unknown flags").error();
  return header;
}

Status read_family_parts(std::span<const std::byte> blob, const blob::Header& header,
                         FamilyParts& parts) {
  parts.options = header.options;
  for (const Status& status :
       {read_section(blob, header.scores, "scores", parts.scores),
        read_section(blob, header.byte_ids, "ids of bytes", parts.byte_ids),
        read_section(blob, header.merges, "merges", parts.merges),
        read_section(blob, header.steps, "normalizer steps", parts.steps),
        read_section(blob, header.step_text, "normalizer texts", parts.step_text),
        read_section(blob, header.charsmap, "character map", parts.charsmap)}) {
    if (!status) return status;
  }
  return {};
}

}  // namespace

Blob Blob::copy_of(std::span<const std::byte> bytes) {
  Blob blob(bytes.size());
  std::copy(bytes.begin(), bytes.end(), blob.bytes().begin());
  return blob;
}

Result<Vocabulary> Vocabulary::open(std::span<const std::byte> blob) {
  ENSURE(reinterpret_cast<uintptr_t>(blob.data()) % blob_alignment == 0);
  const Result<blob::Header> read = read_header(blob);
  if (!read) return read.error();
  const blob::Header& header = *read;

  Vocabulary vocabulary;
  const bool wide = (header.flags & blob::flag_wide_values) != 0;
  for (const Status& status :
       {read_section(blob, header.units, "trie units", vocabulary.units_),
        wide ? read_section(blob, header.values, "values", vocabulary.wide_values_)
             : read_section(blob, header.values, "values", vocabulary.narrow_values_),
        read_section(blob, header.piece_ends, "pieces", vocabulary.piece_ends_),
        read_section(blob, header.piece_text, "piece texts", vocabulary.piece_text_),
        read_section(blob, header.added_tokens, "added tokens", vocabulary.added_tokens_),
        read_section(blob, header.single_template, "template", vocabulary.single_template_),
        read_section(blob, header.pair_template, "pair template", vocabulary.pair_template_),
        read_family_parts(blob, header, vocabulary.family_parts_),
        read_section(blob, header.decoder_steps, "decoder steps", vocabulary.decoder_steps_),
        read_section(blob, header.decoder_text, "decoder texts", vocabulary.decoder_text_)}) {
    if (!status) return status.error();
  }
  vocabulary.root_bases_ = header.root_bases;
  vocabulary.family_ = header.family;
  vocabulary.unknown_id_ = header.unknown_id;
  vocabulary.word_characters_max_ = header.word_characters_max;
  vocabulary.normalizer_options_ = {
      .clean_text = (header.flags & blob::flag_clean_text) != 0,
      .handle_chinese_chars = (header.flags & blob::flag_handle_chinese_chars) != 0,
      .strip_accents = (header.flags & blob::flag_strip_accents) != 0,
      .lowercase = (header.flags & blob::flag_lowercase) != 0,
  };
  vocabulary.offset_trimming_ = {
      .trims = (header.flags & blob::flag_trims_offsets) != 0,
      .keeps_prefix = (header.flags & blob::flag_trimming_keeps_prefix) != 0,
  };
  const Status checked = vocabulary.check();
  if (!checked) return checked.error();
  return vocabulary;
}

Status Vocabulary::check() const {
  for (const Status& status :
       {check_pieces(), check_tries(), check_template(single_template_, 0),
        check_template(pair_template_, 1), check_family_parts(family_, family_parts_, id_count()),
        check_decoder()}) {
    if (!status) return status;
  }
  if (word_characters_max_ > word_characters_limit) {
    return Error{fmt::format("max_input_chars_per_word is {}; up to {} is supported",
                             word_characters_max_, word_characters_limit)};
  }
  const bool may_lack_unknown = family_ == TokenizerFamily::byte_level_bpe;
  if (unknown_id_ >= id_count() && !(may_lack_unknown && unknown_id_ == no_id)) {
    return damaged("the id of unknown words has no piece");
  }
  const bool added_in_range =
      std::all_of(added_tokens_.begin(), added_tokens_.end(),
                  [&](const AddedTokenRecord& token) { return token.id < id_count(); });
  return added_in_range ? Status{} : damaged("an added token has no piece");
}

// These two rules keep every walk inside: slots come in whole blocks, and a base lies in one.
Status Vocabulary::check_tries() const {
  const size_t slot_count = units_.size();
  const size_t value_count = std::max(narrow_values_.size(), wide_values_.size());
  if (slot_count == 0 || slot_count % flat_trie::block_slots != 0 || value_count != slot_count) {
    return damaged("its trie has a wrong size");
  }
  for (const uint32_t base : root_bases_) {
    if (base >= slot_count) return damaged("a root lies outside of the trie");
  }
  for (uint32_t slot = 0; slot < slot_count; ++slot) {
    if (units_[slot] >> flat_trie::base_shift >= slot_count) {
      return damaged("an edge leads out of the trie");
    }
    if (value_of(slot) >= id_count()) return damaged("a trie value is no id");
  }
  return {};
}

Status Vocabulary::check_pieces() const {
  if (piece_ends_.size() > ids_max) return damaged("it has too many pieces");
  uint32_t begin = 0;
  for (const uint32_t end : piece_ends_) {
    if (end < begin || end > piece_text_.size()) return damaged("a piece lies outside of its text");
    if (end > begin && piece_text_[end - 1] != '\0') return damaged("a piece does not end");
    begin = end;
  }
  return {};
}

Status Vocabulary::check_template(std::span<const TemplateItem> items,
                                  uint32_t second_texts) const {
  constexpr size_t template_items_max = 16;
  const auto count = [items](uint32_t id) {
    return static_cast<uint32_t>(std::count_if(
        items.begin(), items.end(), [id](const TemplateItem& item) { return item.id == id; }));
  };
  if (items.size() > template_items_max || count(TemplateItem::first_text) != 1 ||
      count(TemplateItem::second_text) != second_texts) {
    return Error{"the template of the post_processor must hold each of its texts once"};
  }
  for (const TemplateItem& item : items) {
    if (item.id < TemplateItem::second_text && item.id >= id_count()) {
      return Error{
          fmt::format("the template of the post_processor uses the id {}, which has no "
                      "piece",
                      item.id)};
    }
    if (item.type > 0xFF) return Error{"a type_id of the post_processor is above 255"};
  }
  return {};
}

Status Vocabulary::check_decoder() const {
  constexpr size_t steps_max = 16;
  if (decoder_steps_.size() > steps_max) return damaged("its decoder has too many steps");
  for (const DecoderStepRecord& step : decoder_steps_) {
    const uint64_t end = uint64_t{step.text_begin} + step.pattern_bytes + step.content_bytes;
    if (end > decoder_text_.size()) return damaged("a text of the decoder is out of place");
    const auto kind = static_cast<DecoderKind>(step.kind);
    if (kind > DecoderKind::fuse) return damaged("a step of the decoder is unknown");
    const bool looks_for_content = kind == DecoderKind::metaspace || kind == DecoderKind::strip;
    if ((kind == DecoderKind::replace && step.pattern_bytes == 0) ||
        (looks_for_content && step.content_bytes == 0)) {
      return damaged("a step of the decoder looks for nothing");
    }
  }
  return {};
}

std::vector<DecoderStep> Vocabulary::decoder_steps() const {
  std::vector<DecoderStep> steps;
  for (const DecoderStepRecord& step : decoder_steps_) {
    const char* const text = decoder_text_.data() + step.text_begin;
    steps.push_back({.kind = static_cast<DecoderKind>(step.kind),
                     .pattern = {std::string(text, step.pattern_bytes), step.run_min},
                     .content = std::string(text + step.pattern_bytes, step.content_bytes),
                     .flag = step.flag != 0,
                     .start = step.start,
                     .stop = step.stop});
  }
  return steps;
}

std::string_view Vocabulary::piece(uint32_t id) const {
  if (id >= id_count()) return {};
  const uint32_t begin = id == 0 ? 0 : piece_ends_[id - 1];
  const uint32_t end = piece_ends_[id];
  return end == begin ? std::string_view{}
                      : std::string_view(piece_text_.data() + begin, end - begin - 1);
}

}  // namespace hilo
