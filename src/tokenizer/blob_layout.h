// The bytes of a compiled vocabulary: shared by the compiler and the reader, by nobody else.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "tokenizer/vocabulary.h"

namespace hilo::blob {

inline constexpr std::array<char, 8> magic = {'h', 'i', 'l', 'o', 'v', 'o', 'c', '\n'};
inline constexpr uint32_t format_version = 3;
static_assert(std::endian::native == std::endian::little);  // The blob is little-endian.

enum Flag : uint32_t {
  flag_clean_text = 1,
  flag_handle_chinese_chars = 2,
  flag_strip_accents = 4,
  flag_lowercase = 8,
  flag_wide_values = 16,  // values are 32 bits, else 16
  flag_trims_offsets = 32,
  flag_trimming_keeps_prefix = 64,
  flags_known = 127,
};

struct Section {
  uint64_t offset;  // from the start of the blob, a multiple of blob_alignment
  uint64_t bytes;
};

struct Header {
  std::array<char, 8> magic;
  uint32_t format_version;
  uint32_t flags;
  TokenizerFamily family;
  uint32_t unknown_id;   // no_id: there is none (byte-level BPE only)
  uint64_t source_hash;  // of the file that was compiled
  uint64_t blob_bytes;
  uint32_t word_characters_max;
  uint32_t reserved;
  std::array<uint32_t, trie_roles> root_bases;
  Section units;
  Section values;
  Section piece_ends;
  Section piece_text;
  Section added_tokens;
  Section single_template;
  Section pair_template;
  Section scores;
  Section byte_ids;
  Section merges;
  Section steps;
  Section step_text;
  Section charsmap;
  Section decoder_steps;
  Section decoder_text;
  FamilyOptions options;
};
static_assert(sizeof(Header) == 344 && sizeof(Header) % 8 == 0);
static_assert(sizeof(TemplateItem) == 8);

}  // namespace hilo::blob
