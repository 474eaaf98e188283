// Each step of a decoder by itself; tests/golden has what the reference makes of whole sequences.
#include "tokenizer/decoder.h"

#include <gtest/gtest.h>

namespace hilo {
namespace {

std::string decoded(const DecoderStep& step, std::vector<std::string> tokens) {
  const std::vector<DecoderStep> steps = {step};
  return decode_tokens(steps, std::move(tokens));
}

TEST(Decoder, WithoutOneTokensStandApart) {
  EXPECT_EQ(decode_tokens({}, {"a", "##b", "c"}), "a ##b c");
  EXPECT_EQ(decode_tokens({}, {}), "");
}

TEST(Decoder, WordPiecesGoOnAfterTheirPrefix) {
  const DecoderStep step{.kind = DecoderKind::word_piece, .pattern = {"##"}, .flag = true};
  EXPECT_EQ(decoded(step, {"##a", "##b", "c", ".", "do", "n't"}), "##ab c. don't");
}

TEST(Decoder, BytesThatAreNoTextAreReplaced) {
  const DecoderStep step{.kind = DecoderKind::byte_level};
  EXPECT_EQ(decoded(step, {"\u0120a", "\u00c3", "\u00a9"}), " a\u00e9");
  EXPECT_EQ(decoded(step, {"a", "\u00c3", "b"}), "a\ufffdb");
  EXPECT_EQ(decoded(step, {"\u4e2d", "a"}), "\u4e2da");  // no letters of the alphabet
}

TEST(Decoder, FallbackBytesThatAreNoTextAreOneCharacterEach) {
  const DecoderStep step{.kind = DecoderKind::byte_fallback};
  EXPECT_EQ(decoded(step, {"<0xC3>", "<0xA9>", "a"}), "\u00e9a");
  EXPECT_EQ(decoded(step, {"<0xE4>", "<0xB8>", "a", "<0x41>"}), "\ufffd\ufffdaA");
  EXPECT_EQ(decoded(step, {"<0xG1>", "<0x1>"}), "<0xG1><0x1>");
}

TEST(Decoder, MarksAreSpacesButForTheFirst) {
  DecoderStep step{.kind = DecoderKind::metaspace, .content = "\u2581"};
  EXPECT_EQ(decoded(step, {"\u2581a", "b\u2581", "\u2581c"}), "ab  c");
  step.flag = true;
  EXPECT_EQ(decoded(step, {"\u2581a", "\u2581b"}), " a b");
}

TEST(Decoder, StripsSoManyAtEitherEnd) {
  const DecoderStep step{.kind = DecoderKind::strip, .content = " ", .start = 1, .stop = 2};
  EXPECT_EQ(decoded(step, {"  a  ", "b ", "   ", ""}), " ab");
}

TEST(Decoder, StepsFollowEachOther) {
  const std::vector<DecoderStep> steps = {
      {.kind = DecoderKind::replace, .pattern = {"\u2581"}, .content = " "},
      {.kind = DecoderKind::fuse},
      {.kind = DecoderKind::strip, .content = " ", .start = 1}};
  EXPECT_EQ(decode_tokens(steps, {"\u2581a", "\u2581b"}), "a b");
}

}  // namespace
}  // namespace hilo
