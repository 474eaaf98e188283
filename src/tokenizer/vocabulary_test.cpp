#include "tokenizer/vocabulary.h"

#include <cstring>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer/blob_layout.h"
#include "tokenizer/tokenizer_cases.h"

namespace hilo {
namespace {

using testing::HasSubstr;

TEST(Vocabulary, HoldsEveryPieceUnderItsId) {
  const Blob blob = compile_vocabulary(cases::bert_description()).value();
  const Vocabulary vocabulary = Vocabulary::open(blob.bytes()).value();
  const std::vector<std::string>& lines = cases::vocabulary_lines();
  ASSERT_EQ(vocabulary.id_count(), lines.size());
  for (uint32_t id = 0; id < lines.size(); ++id) {
    ASSERT_EQ(vocabulary.piece(id), lines[id]);
    ASSERT_EQ(vocabulary.piece(id).data()[lines[id].size()], '\0');  // for C callers
    const bool continues = lines[id].size() > 2 && lines[id].starts_with("##");
    const std::string_view key = std::string_view(lines[id]).substr(continues ? 2 : 0);
    const TrieMatch match =
        vocabulary.longest_match(continues ? TrieRole::continuation : TrieRole::word_start, key);
    ASSERT_EQ(match.bytes, key.size()) << lines[id];
    ASSERT_EQ(vocabulary.value_of(match.slot), id);
  }
  EXPECT_EQ(vocabulary.piece(vocabulary.id_count()), "");
}

TEST(Vocabulary, EqualSourcesMakeEqualBytes) {
  const Blob first = compile_vocabulary(cases::bert_description()).value();
  const Blob second = compile_vocabulary(cases::bert_description()).value();
  ASSERT_EQ(first.bytes().size(), second.bytes().size());
  EXPECT_EQ(std::memcmp(first.bytes().data(), second.bytes().data(), first.bytes().size()), 0);
}

std::string compile_error(const TokenizerDescription& description) {
  const Result<Blob> blob = compile_vocabulary(description);
  return blob ? "" : blob.error().message;
}

TEST(CompileVocabulary, RefusesWhatItCannotHold) {
  TokenizerDescription description = cases::bert_description();
  description.unknown_piece = "<nowhere>";
  EXPECT_THAT(compile_error(description), HasSubstr("<nowhere>"));

  description = cases::bert_description();
  description.pieces.insert_or_assign("far", ids_max);
  EXPECT_THAT(compile_error(description), HasSubstr(std::to_string(ids_max)));

  description = cases::bert_description();
  description.single = {{101, 0}};
  EXPECT_THAT(compile_error(description), HasSubstr("template"));

  description = cases::bert_description();
  description.single.push_back({30522, 0});
  EXPECT_THAT(compile_error(description), HasSubstr("30522"));

  description = cases::bert_description();
  description.word_characters_max = word_characters_limit + 1;
  EXPECT_THAT(compile_error(description), HasSubstr("max_input_chars_per_word"));
}

// Each test damages one field of a sound blob; open() must name what it found.
std::string error_after(const std::function<void(blob::Header&)>& damage) {
  Blob sound = compile_vocabulary(cases::bert_description()).value();
  blob::Header header;
  std::memcpy(&header, sound.bytes().data(), sizeof(header));
  damage(header);
  std::memcpy(sound.bytes().data(), &header, sizeof(header));
  const Result<Vocabulary> opened = Vocabulary::open(std::as_const(sound).bytes());
  return opened ? "" : opened.error().message;
}

TEST(Vocabulary, DamagedHeadersAreRefused) {
  EXPECT_EQ(error_after([](blob::Header&) {}), "");
  EXPECT_THAT(error_after([](auto& h) { h.magic[0] = 'x'; }), HasSubstr("not a compiled"));
  EXPECT_THAT(error_after([](auto& h) { h.format_version = 99; }), HasSubstr("format 99"));
  EXPECT_THAT(error_after([](auto& h) { h.blob_bytes -= 1; }), HasSubstr("cut short"));
  EXPECT_THAT(error_after([](auto& h) { h.flags = 1U << 31; }), HasSubstr("flags"));
  EXPECT_THAT(error_after([](auto& h) { h.units.offset = UINT64_MAX - 63; }),
              HasSubstr("trie units are out of place"));
  EXPECT_THAT(error_after([](auto& h) { h.piece_text.bytes = UINT64_MAX; }),
              HasSubstr("piece texts are out of place"));
  EXPECT_THAT(error_after([](auto& h) { h.values.offset += 4; }), HasSubstr("out of place"));
  EXPECT_THAT(error_after([](auto& h) { h.units.bytes -= 4; }), HasSubstr("wrong size"));
  EXPECT_THAT(error_after([](auto& h) { h.root_bases[1] = 1U << 30; }), HasSubstr("root"));
  EXPECT_THAT(error_after([](auto& h) { h.unknown_id = 1U << 30; }), HasSubstr("unknown words"));
  EXPECT_THAT(error_after([](auto& h) { h.piece_text.bytes = 8; }), HasSubstr("piece"));
  EXPECT_THAT(error_after([](auto& h) { h.pair_template = h.single_template; }),
              HasSubstr("template"));
}

TEST(Vocabulary, EdgesOutOfTheTrieAreRefused) {
  Blob blob = compile_vocabulary(cases::bert_description()).value();
  blob::Header header;
  std::memcpy(&header, blob.bytes().data(), sizeof(header));
  const uint32_t unit = 0xFFFFFFFF;
  std::memcpy(blob.bytes().data() + header.units.offset, &unit, sizeof(unit));
  EXPECT_THAT(Vocabulary::open(std::as_const(blob).bytes()).error().message,
              HasSubstr("out of the trie"));
}

}  // namespace
}  // namespace hilo
