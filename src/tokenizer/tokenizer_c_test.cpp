#include <array>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hilo/hilo.h>

#include "base/last_error.h"

namespace hilo {
namespace {

using testing::HasSubstr;

class TokenizerC : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(hilo_tokenizer_open(nullptr, &tokenizer_), HILO_OK); }
  void TearDown() override { hilo_tokenizer_close(tokenizer_); }

  hilo_status encode(std::string_view text, const hilo_encode_options& options, size_t room = 8) {
    tokens_.room = room;
    return hilo_tokenizer_encode(tokenizer_, text.data(), text.size(), &options, &tokens_);
  }
  static hilo_encode_options default_options() {
    hilo_encode_options options{};
    options.struct_bytes = sizeof(options);
    return options;
  }
  static hilo_encode_options with_second(const char* second) {
    hilo_encode_options options = default_options();
    options.second = second;
    options.second_bytes = std::string_view(second).size();
    return options;
  }

  hilo_tokenizer* tokenizer_ = nullptr;
  std::array<uint32_t, 8> ids_{};
  std::array<uint8_t, 8> types_{};
  std::array<hilo_offsets, 8> offsets_{};
  hilo_tokens tokens_{.struct_bytes = sizeof(hilo_tokens),
                      .room = 8,
                      .ids = ids_.data(),
                      .types = types_.data(),
                      .offsets = offsets_.data(),
                      .count = 99,
                      .truncated = 0};
  hilo_encode_options defaults_ = default_options();
};

TEST_F(TokenizerC, EncodesOneTextAndTwo) {
  ASSERT_EQ(hilo_tokenizer_encode(tokenizer_, "one", 3, nullptr, &tokens_), HILO_OK);
  EXPECT_EQ(tokens_.count, 3U);
  EXPECT_EQ(ids_[1], 2028U);
  ASSERT_EQ(encode("one", with_second("two")), HILO_OK);
  EXPECT_EQ(tokens_.count, 5U);
  EXPECT_EQ(types_[2], 0);
  EXPECT_EQ(types_[3], 1);
  // An empty second text is not the same as none.
  ASSERT_EQ(encode("one", with_second("")), HILO_OK);
  EXPECT_EQ(tokens_.count, 4U);
  ASSERT_EQ(hilo_tokenizer_encode(tokenizer_, nullptr, 0, nullptr, &tokens_), HILO_OK);
  EXPECT_EQ(tokens_.count, 2U);
}

TEST_F(TokenizerC, OffsetsCountBytesOrCharacters) {
  const std::string_view text = "\u00e9t\u00e9 three";
  ASSERT_EQ(encode(text, defaults_), HILO_OK);
  ASSERT_EQ(tokens_.count, 5U);
  EXPECT_EQ(offsets_[0].end, 0U);
  EXPECT_EQ(offsets_[3].begin, 6U);
  EXPECT_EQ(offsets_[3].end, 11U);
  defaults_.offset_unit = HILO_CHARACTERS;
  ASSERT_EQ(encode(text, defaults_), HILO_OK);
  EXPECT_EQ(offsets_[3].begin, 4U);
  EXPECT_EQ(offsets_[3].end, 9U);
}

TEST_F(TokenizerC, OptionsDoWhatTheySay) {
  hilo_encode_options options = defaults_;
  options.tokens_max = 3;
  ASSERT_EQ(encode("one two", options), HILO_OK);
  EXPECT_EQ(tokens_.truncated, 1);
  EXPECT_EQ(ids_[1], 2028U);
  options.truncate_left = 1;
  ASSERT_EQ(encode("one two", options), HILO_OK);
  EXPECT_EQ(ids_[1], 2048U);
  options = defaults_;
  options.leave_out_special_tokens = 1;
  ASSERT_EQ(encode("[SEP]", options), HILO_OK);
  EXPECT_EQ(tokens_.count, 1U);
  options.read_special_tokens_as_text = 1;
  ASSERT_EQ(encode("[SEP]", options), HILO_OK);
  EXPECT_GT(tokens_.count, 1U);
}

TEST_F(TokenizerC, DecodesWithAndWithoutSpecialTokens) {
  const std::string_view text = "Unaffable, it's one!";
  std::array<uint32_t, 16> ids{};
  tokens_.ids = ids.data();
  tokens_.types = nullptr;
  tokens_.offsets = nullptr;
  ASSERT_EQ(encode(text, defaults_, ids.size()), HILO_OK);
  const char* decoded = nullptr;
  ASSERT_EQ(hilo_tokenizer_decode(tokenizer_, ids.data(), tokens_.count, 1, &decoded), HILO_OK);
  EXPECT_STREQ(decoded, "unaffable, it ' s one!");
  ASSERT_EQ(hilo_tokenizer_decode(tokenizer_, ids.data(), 1, 0, &decoded), HILO_OK);
  EXPECT_STREQ(decoded, "[CLS]");
  ASSERT_EQ(hilo_tokenizer_decode(tokenizer_, nullptr, 0, 0, &decoded), HILO_OK);
  EXPECT_STREQ(decoded, "");
  EXPECT_EQ(hilo_tokenizer_decode(tokenizer_, nullptr, 1, 0, &decoded), HILO_INVALID_ARGUMENT);
}

TEST_F(TokenizerC, TooLittleRoomSaysHowMuchIsNeeded) {
  EXPECT_EQ(encode("one two three", defaults_, 4), HILO_FULL);
  EXPECT_EQ(tokens_.count, 5U);
  EXPECT_THAT(last_error(), HasSubstr("5 ids, but room for 4"));
}

TEST_F(TokenizerC, WrongArgumentsAreToldApart) {
  defaults_.tokens_max = 1;
  EXPECT_EQ(encode("one", defaults_), HILO_INVALID_ARGUMENT);
  EXPECT_THAT(last_error(), HasSubstr("tokens_max is 1"));
  EXPECT_EQ(hilo_tokenizer_encode(nullptr, "a", 1, nullptr, &tokens_), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_tokenizer_encode(tokenizer_, nullptr, 1, nullptr, &tokens_),
            HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_tokenizer_encode(tokenizer_, "a", 1, nullptr, nullptr), HILO_INVALID_ARGUMENT);
  tokens_.struct_bytes = 0;
  EXPECT_EQ(hilo_tokenizer_encode(tokenizer_, "a", 1, nullptr, &tokens_), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_tokenizer_open(nullptr, nullptr), HILO_INVALID_ARGUMENT);
  hilo_tokenizer* none = tokenizer_;
  EXPECT_EQ(hilo_tokenizer_open("/no/such/model", &none), HILO_NOT_FOUND);
  EXPECT_EQ(none, nullptr);
  EXPECT_THAT(last_error(), HasSubstr("/no/such/model"));
  EXPECT_EQ(hilo_tokenizer_open("/", &none), HILO_INVALID_ARGUMENT);
  EXPECT_THAT(last_error(), HasSubstr("tokenizer.json"));
}

TEST_F(TokenizerC, PiecesAreZeroTerminated) {
  EXPECT_STREQ(hilo_tokenizer_piece(tokenizer_, 2028), "one");
  EXPECT_EQ(hilo_tokenizer_piece(tokenizer_, 30522), nullptr);
  EXPECT_EQ(hilo_tokenizer_size(tokenizer_), 30522U);
}

}  // namespace
}  // namespace hilo
