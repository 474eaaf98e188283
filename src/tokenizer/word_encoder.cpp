#include "tokenizer/word_encoder.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <iterator>
#include <memory>

#include "base/cpu_level.h"
#include "tokenizer/word_piece.h"
#include "tokenizer/words.h"

namespace hilo {

namespace {

// So many words are on their way from memory at once.
constexpr size_t batch_words = 64;

ByteClasses classes_of(const Normalizer& normalizer) {
  ByteClasses classes{};
  for (uint8_t byte = 0; byte < 0x80; ++byte) {
    const uint16_t entry = normalizer.byte_table()[byte];
    const CharacterKind kind = Normalizer::kind_of_entry(entry);
    const bool deleted = kind == CharacterKind::deleted;
    classes.normalized[byte] = deleted ? byte : static_cast<uint8_t>(entry & 0xFF);
    classes.classes[byte] = deleted                        ? byte_is_hard
                            : kind == CharacterKind::space ? byte_is_space
                            : kind == CharacterKind::alone ? byte_is_alone
                                                           : uint8_t{0};
  }
  return classes;
}

uint16_t* append_positions(uint64_t mask, uint32_t base, uint16_t* out) {
  for (; mask != 0; mask &= mask - 1) {
    *out++ = static_cast<uint16_t>(base + static_cast<uint32_t>(std::countr_zero(mask)));
  }
  return out;
}

// Writes where words begin and end, both in order, and returns how many there are.
size_t find_words(const Stretch& stretch, size_t bytes, uint16_t* begins, uint16_t* ends) {
  const uint16_t* const first = begins;
  uint64_t word_before = 0;
  uint64_t alone_before = 0;
  const auto blocks = static_cast<uint32_t>((bytes + block_bytes - 1) / block_bytes);
  for (uint32_t block = 0; block < blocks; ++block) {
    const uint64_t word = stretch.in_word[block];
    const uint64_t alone = stretch.alone[block];
    const uint64_t after_word = word << 1 | word_before;
    const uint64_t after_alone = alone << 1 | alone_before;
    begins = append_positions((word & ~after_word) | alone, block * block_bytes, begins);
    ends = append_positions((~word & after_word) | after_alone, block * block_bytes, ends);
    word_before = word >> (block_bytes - 1);
    alone_before = alone >> (block_bytes - 1);
  }
  if ((word_before | alone_before) != 0) *ends = static_cast<uint16_t>(bytes);
  return static_cast<size_t>(begins - first);
}

bool has_hard_byte(const Stretch& stretch, uint32_t begin, uint32_t end) {
  for (uint32_t block = begin / block_bytes; block * block_bytes < end; ++block) {
    uint64_t mask = stretch.hard[block];
    if (begin > block * block_bytes) mask &= ~uint64_t{0} << (begin % block_bytes);
    if (end - block * block_bytes < block_bytes) mask &= (uint64_t{1} << (end % block_bytes)) - 1;
    if (mask != 0) return true;
  }
  return false;
}

}  // namespace

Splitter choose_splitter() {
#if defined(__x86_64__)
  // What HILO_CPU names and this machine lacks is an error that the engine tells; here it is as if
  // nothing were said.
  const char* const wanted = std::getenv("HILO_CPU");
  const CpuLevel level = cpu_level_named(wanted != nullptr ? wanted : "").value_or(CpuLevel::amx);
  if (level >= CpuLevel::avx512 && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi")) {
    return split_avx512_vbmi;
  }
  if (level >= CpuLevel::avx2 && __builtin_cpu_supports("avx2")) return split_avx2;
#endif
  return split_scalar;
}

WordEncoder::WordEncoder(const Vocabulary& vocabulary, NormalizerOptions options, Splitter splitter)
    : vocabulary_(vocabulary),
      normalizer_(options),
      classes_(classes_of(normalizer_)),
      splitter_(splitter),
      parts_ideographs_(normalizer_.rule_of(0x4E00).kind == CharacterKind::ideograph),
      owner_(WordCaches::next_owner()) {}

void WordEncoder::append(std::string_view text, WordScratch& scratch, TokenBuffer& tokens) const {
  scratch.caches.serve(owner_);
  while (!text.empty() && !tokens.is_over()) {
    text.remove_prefix(append_stretch(text, scratch, tokens));
  }
}

// Returns how many bytes of the text are done.
size_t WordEncoder::append_stretch(std::string_view text, WordScratch& scratch,
                                   TokenBuffer& tokens) const {
  size_t bytes = std::min<size_t>(text.size(), stretch_bytes_max);
  const char* const first = text.data();
  splitter_(classes_, first, bytes, scratch.stretch);
  size_t words = find_words(scratch.stretch, bytes, scratch.begins.data(), scratch.ends.data());
  // The last word may go on beyond the stretch: then the next one begins with it.
  if (bytes < text.size() && words > 0 && scratch.ends[words - 1] == bytes) {
    bytes = scratch.begins[--words];
    if (bytes == 0) {
      bytes = word_end(text);
      const std::string_view word = text.substr(0, bytes);
      append_hard_word(word, std::to_address(word.end()), scratch, tokens);
      return bytes;
    }
  }
  for (size_t at = 0; at < words && !tokens.is_over(); at += batch_words) {
    const size_t count = std::min(batch_words, words - at);
    append_batch(std::span(scratch.begins).subspan(at, count),
                 std::span(scratch.ends).subspan(at, count), scratch, tokens);
  }
  return bytes;
}

void WordEncoder::append_batch(std::span<const uint16_t> begins, std::span<const uint16_t> ends,
                               WordScratch& scratch, TokenBuffer& tokens) const {
  struct Probe {
    WordCache::Key key;
    uint32_t bucket;
    uint32_t bytes;
  };
  std::array<Probe, batch_words> probes;
  const char* const text = scratch.stretch.normalized;
  WordCache& cache = scratch.caches.words;
  for (size_t at = 0; at < begins.size(); ++at) {
    const auto bytes = static_cast<uint32_t>(ends[at] - begins[at]);
    // The key of a longer word is of no use, but asking costs more than making it.
    const WordCache::Key key = WordCache::key_of(text + begins[at], bytes % WordCache::bytes_read);
    probes[at] = {key, cache.bucket_of(key), bytes};
    cache.prefetch(probes[at].bucket);
  }
  uint32_t* ids = tokens.room_for(begins.size() * WordCache::ids_max);
  for (size_t at = 0; at < begins.size(); ++at) {
    const auto& [key, bucket, bytes] = probes[at];
    const size_t found = cache.find(key, bucket, ids);
    if (bytes <= WordCache::word_bytes_max && found != WordCache::unknown) {
      ids += found;
      continue;
    }
    tokens.advance_to(ids);
    const size_t before = tokens.ids().size();
    const std::string_view word{text + begins[at], bytes};
    if (has_hard_byte(scratch.stretch, begins[at], ends[at])) {
      append_hard_word(word, std::end(scratch.stretch.normalized), scratch, tokens);
    } else {
      append_word_pieces(vocabulary_, word, tokens);
    }
    // A buffer that is over its limit may lack the word's last ids.
    if (bytes <= WordCache::word_bytes_max && !tokens.is_over()) {
      cache.insert(key, bucket, tokens.ids().subspan(before));
    }
    ids = tokens.room_for((begins.size() - at) * WordCache::ids_max);
  }
  tokens.advance_to(ids);
}

// Characters that are words by themselves, such as ideographs, part a word as spaces do, so that
// its parts are looked up each by itself.
void WordEncoder::append_hard_word(std::string_view word, const char* readable_end,
                                   WordScratch& scratch, TokenBuffer& tokens) const {
  const auto append_new = [&](std::string_view part) {
    append_words(vocabulary_, normalizer_, part, scratch.word, tokens);
  };
  const auto append_part = [&](std::string_view part) {
    if (!part.empty()) scratch.caches.append(part, readable_end, tokens, append_new);
  };
  size_t begin = 0;
  for (size_t at = 0; at < word.size() && !tokens.is_over();) {
    // Those of fewer bytes are seldom worth the look.
    if (static_cast<uint8_t>(word[at]) < 0xE0) {
      ++at;
      continue;
    }
    const DecodedCharacter decoded = decode_first(word.substr(at));
    if (is_word_by_itself(decoded.code_point)) {
      append_part(word.substr(begin, at - begin));
      append_part(word.substr(at, decoded.bytes));
      begin = at + decoded.bytes;
    }
    at += decoded.bytes;
  }
  // A word of one part was looked up before.
  if (begin == 0) return scratch.caches.append_long(word, tokens, append_new);
  append_part(word.substr(begin));
}

bool WordEncoder::is_word_by_itself(char32_t code_point) const {
  if (code_point >= 0x4E00 && code_point < 0xA000) return parts_ideographs_;
  const CharacterKind kind = normalizer_.rule_of(code_point).kind;
  return kind != CharacterKind::word && kind != CharacterKind::deleted;
}

// Where the word that `text` begins with ends, however long it is.
size_t WordEncoder::word_end(std::string_view text) const {
  const auto* const end = std::ranges::find_if(text, [this](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte < 0x80 && (classes_.classes[byte] & (byte_is_space | byte_is_alone)) != 0;
  });
  return static_cast<size_t>(end - text.begin());
}

}  // namespace hilo
