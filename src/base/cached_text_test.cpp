#include "base/cached_text.h"

#include <gtest/gtest.h>

namespace hilo {
namespace {

// Fails if a text is made for everybody who asks, or given when it is too old.
TEST(CachedText, IsMadeAgainOnlyWhenItIsTooOld) {
  CachedText text{50};
  int made = 0;
  const auto asked = [&](Nanoseconds now) {
    return text.at({now}, [&] { return "text " + std::to_string(++made); });
  };
  EXPECT_EQ(asked(10), "text 1");
  EXPECT_EQ(asked(10), "text 1");
  EXPECT_EQ(asked(60), "text 1");
  EXPECT_EQ(asked(61), "text 2");
  EXPECT_EQ(asked(111), "text 2");
  EXPECT_EQ(asked(112), "text 3");
}

}  // namespace
}  // namespace hilo
