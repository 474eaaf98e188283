#include "tokenizer/utf8.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tokenizer/tokenizer.h"

namespace hilo {
namespace {

TEST(Utf8, EveryCodePointSurvivesEncodingAndDecoding) {
  for (char32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    const EncodedCharacter encoded = encode_character(code_point);
    const DecodedCharacter first = decode_first(encoded.view());
    const bool is_surrogate = code_point >= 0xD800 && code_point < 0xE000;
    ASSERT_EQ(is_valid_utf8(encoded.view()), !is_surrogate) << uint32_t{code_point};
    ASSERT_EQ(first.valid, !is_surrogate) << uint32_t{code_point};
    if (is_surrogate) continue;
    ASSERT_EQ(first.code_point, code_point);
    ASSERT_EQ(first.bytes, encoded.size);
    ASSERT_EQ(decode_last(encoded.view()).code_point, code_point);
  }
}

std::vector<char32_t> decode_all(std::string_view text) {
  std::vector<char32_t> code_points;
  while (!text.empty()) {
    const DecodedCharacter decoded = decode_first(text);
    code_points.push_back(decoded.code_point);
    text.remove_prefix(decoded.bytes);
  }
  return code_points;
}

// The example of Unicode, section 3.9, table 3-11, and its neighbours.
TEST(Utf8, MaximalInvalidPartsBecomeOneReplacementEach) {
  const char32_t r = replacement_character;
  EXPECT_EQ(decode_all("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            (std::vector<char32_t>{'a', r, r, r, 'b', r, 'c', r, r, 'd'}));
  EXPECT_EQ(decode_all("\xC0\xAF"), (std::vector<char32_t>{r, r}));                // overlong
  EXPECT_EQ(decode_all("\xED\xA0\x80"), (std::vector<char32_t>{r, r, r}));         // surrogate
  EXPECT_EQ(decode_all("\xF4\x90\x80\x80"), (std::vector<char32_t>{r, r, r, r}));  // above the last
  EXPECT_EQ(decode_all("\xE2\x82"), (std::vector<char32_t>{r}));                   // cut short
}

TEST(Utf8, LastCharacterIsFoundBehindInvalidBytes) {
  EXPECT_EQ(decode_last("\x80\x80\xC3\xA9").code_point, U'\u00E9');
  EXPECT_FALSE(decode_last("a\x80").valid);
  EXPECT_EQ(decode_last("a\x80").bytes, 1U);
}

// Goal: the eight-byte stride of the validator hides nothing.
// Method: a bad byte at each place of texts of each length around a stride.
TEST(Utf8, ValidatorSeesABadByteAnywhere) {
  for (size_t size = 1; size <= 34; ++size) {
    std::string text(size, 'x');
    EXPECT_TRUE(is_valid_utf8(text));
    for (size_t at = 0; at < size; ++at) {
      text[at] = '\xBF';
      EXPECT_FALSE(is_valid_utf8(text)) << size << ' ' << at;
      text[at] = 'x';
    }
  }
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8(std::string_view("\0", 1)));
}

}  // namespace
}  // namespace hilo
