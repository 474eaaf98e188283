#include "cli/top/figures.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace hilo {
namespace {

TEST(Figures, DurationsKeepTwoOrThreeDigits) {
  EXPECT_EQ(duration(0), "-");
  EXPECT_EQ(duration(20), "1 us");
  EXPECT_EQ(duration(812'400), "812 us");
  EXPECT_EQ(duration(3.24e6), "3.2 ms");
  EXPECT_EQ(duration(428.4e6), "428 ms");
  EXPECT_EQ(duration(999.6e6), "1.0 s");
  EXPECT_EQ(duration(90e9), "90 s");
  EXPECT_EQ(duration(3600e9), "60 min");
  EXPECT_EQ(duration(7200e9), "2.0 h");
}

TEST(Figures, CountsFitSixColumns) {
  EXPECT_EQ(count(0), "0");
  EXPECT_EQ(count(1), "1");
  EXPECT_EQ(count(2.25), "2.3");
  EXPECT_EQ(count(653.2), "653");
  EXPECT_EQ(count(11'912), "12k");
  EXPECT_EQ(count(3.1e6), "3.1M");
  for (double value = 0.1; value < 1e12; value *= 1.3) EXPECT_LE(count(value).size(), 6U) << value;
}

// Fails if a curve is wider than it may be, shows the oldest values, or hides a small one.
TEST(Figures, ACurveShowsTheLastValuesToTheScaleOfTheLargest) {
  const std::vector<double> values{90, 0, 1, 50, 100};
  EXPECT_EQ(sparkline(values, 4, true), " ▁▄█");
  EXPECT_EQ(sparkline(values, 7, true), "  █ ▁▄█");
  EXPECT_EQ(sparkline(values, 4, false), " _-#");
  EXPECT_EQ(sparkline({}, 3, true), "   ");
  EXPECT_EQ(sparkline(std::vector<double>{0, 0}, 2, true), "  ");
}

// Fails if a program's name can move the cursor, or a character is cut in half.
TEST(Figures, ALineIsCutByColumnsAndControlsNothing) {
  EXPECT_EQ(clipped("\x1b[2Jname", 6), "?[2Jna");
  EXPECT_EQ(clipped("▁▂▃", 2), "▁▂");
  EXPECT_EQ(clipped("short", 80), "short");
}

}  // namespace
}  // namespace hilo
