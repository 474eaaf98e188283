#include "base/last_error.h"

#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace hilo {
namespace {

TEST(LastError, BelongsToItsThread) {
  set_last_error("ours");
  std::thread other([] {
    EXPECT_STREQ(last_error(), "");
    set_last_error("theirs");
    EXPECT_STREQ(last_error(), "theirs");
  });
  other.join();
  EXPECT_STREQ(last_error(), "ours");
}

// Goal: a sentence that is too long is cut, ends in a zero, and stays valid UTF-8.
// Method: two-byte letters, so that the limit of 1023 bytes falls inside one.
TEST(LastError, LongSentenceIsCutBetweenLetters) {
  std::string sentence;
  for (int i = 0; i < 1000; ++i) sentence += "é";
  set_last_error(sentence);
  EXPECT_EQ(std::string(last_error()), sentence.substr(0, 1022));
}

TEST(LastError, ShorterSentenceReplacesLonger) {
  set_last_error("a long sentence");
  set_last_error("short");
  EXPECT_STREQ(last_error(), "short");
}

}  // namespace
}  // namespace hilo
