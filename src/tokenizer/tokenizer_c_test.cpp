#include <array>
#include <string>

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

  hilo_status encode(std::string_view text, uint32_t tokens_max, size_t room) {
    return hilo_tokenizer_encode(tokenizer_, text.data(), text.size(), nullptr, 0, tokens_max, 1,
                                 ids_.data(), room, &count_);
  }

  hilo_tokenizer* tokenizer_ = nullptr;
  std::array<uint32_t, 8> ids_{};
  size_t count_ = 99;
};

TEST_F(TokenizerC, EncodesOneTextAndTwo) {
  ASSERT_EQ(encode("one", 0, 8), HILO_OK);
  EXPECT_EQ(count_, 3U);
  EXPECT_EQ(ids_[1], 2028U);
  ASSERT_EQ(hilo_tokenizer_encode(tokenizer_, "one", 3, "two", 3, 0, 1, ids_.data(), 8, &count_),
            HILO_OK);
  EXPECT_EQ(count_, 5U);
  // An empty second text is not the same as none.
  ASSERT_EQ(hilo_tokenizer_encode(tokenizer_, "one", 3, "", 0, 0, 1, ids_.data(), 8, &count_),
            HILO_OK);
  EXPECT_EQ(count_, 4U);
  ASSERT_EQ(
      hilo_tokenizer_encode(tokenizer_, nullptr, 0, nullptr, 0, 0, 1, ids_.data(), 8, &count_),
      HILO_OK);
  EXPECT_EQ(count_, 2U);
}

TEST_F(TokenizerC, TooLittleRoomSaysHowMuchIsNeeded) {
  EXPECT_EQ(encode("one two three", 0, 4), HILO_FULL);
  EXPECT_EQ(count_, 5U);
  EXPECT_THAT(last_error(), HasSubstr("5 ids, but room for 4"));
}

TEST_F(TokenizerC, WrongArgumentsAreToldApart) {
  EXPECT_EQ(encode("one", 1, 8), HILO_INVALID_ARGUMENT);
  EXPECT_THAT(last_error(), HasSubstr("tokens_max is 1"));
  EXPECT_EQ(hilo_tokenizer_encode(nullptr, "a", 1, nullptr, 0, 0, 1, ids_.data(), 8, &count_),
            HILO_INVALID_ARGUMENT);
  EXPECT_EQ(
      hilo_tokenizer_encode(tokenizer_, nullptr, 1, nullptr, 0, 0, 1, ids_.data(), 8, &count_),
      HILO_INVALID_ARGUMENT);
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
