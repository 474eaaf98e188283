#include "base/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <thread>

#include <gtest/gtest.h>

namespace hilo {
namespace {

HistogramCounts counts_of(const std::vector<uint64_t>& values) {
  Histogram histogram;
  for (const uint64_t value : values) histogram.record(value);
  return histogram.counts();
}

// Fails if buckets overlap, leave a gap, or are wider than promised.
TEST(Histogram, BucketsFollowEachOtherAndStayNarrow) {
  uint64_t lowest = 0;
  for (size_t bucket = 0; bucket < Histogram::bucket_count; ++bucket) {
    const uint64_t highest = Histogram::highest_of(bucket);
    ASSERT_EQ(Histogram::bucket_of(lowest), bucket);
    ASSERT_EQ(Histogram::bucket_of(highest), bucket);
    ASSERT_LE(static_cast<double>(highest - lowest), 0.016 * static_cast<double>(lowest));
    lowest = highest + 1;
  }
  EXPECT_EQ(lowest, Histogram::value_max + 1);
}

// Fails if a quantile is lower than the value that sorting finds, or more than 1.6 percent higher.
TEST(Histogram, QuantilesAreThoseOfSortedValues) {
  std::mt19937_64 random{1};
  std::lognormal_distribution<double> latency{13.0, 2.0};
  std::vector<uint64_t> values(20'000);
  for (uint64_t& value : values) value = static_cast<uint64_t>(latency(random));
  const HistogramCounts counts = counts_of(values);
  std::ranges::sort(values);
  for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = std::ceil(q * static_cast<double>(values.size()));
    const uint64_t exact = values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
    EXPECT_GE(counts.quantile(q), exact) << q;
    EXPECT_LE(static_cast<double>(counts.quantile(q)), 1.016 * static_cast<double>(exact)) << q;
  }
  EXPECT_EQ(counts.count(), values.size());
  EXPECT_EQ(counts.max(), values.back());
  EXPECT_EQ(counts.quantile(1.0), values.back());
}

// Fails if a value counts as below a bound that it exceeds, or is lost.
TEST(Histogram, CountsUpToRoundBounds) {
  const HistogramCounts counts = counts_of({5, 10, 11, 900, 990, 1001, 5000});
  const std::array<uint64_t, 4> bounds{10, 1000, 2000, 1'000'000};
  EXPECT_EQ(counts.up_to(bounds), (std::vector<uint64_t>{2, 5, 6, 7}));
  EXPECT_EQ(counts_of({}).up_to(bounds), (std::vector<uint64_t>{0, 0, 0, 0}));
}

TEST(Histogram, NothingHasQuantilesOfZero) {
  const HistogramCounts counts = counts_of({});
  EXPECT_EQ(counts.quantile(0.5), 0U);
  EXPECT_EQ(counts.mean(), 0.0);
}

TEST(Histogram, WhatIsTooLargeCountsAsTheLargest) {
  const HistogramCounts counts = counts_of({UINT64_MAX});
  EXPECT_EQ(counts.count(), 1U);
  EXPECT_EQ(counts.max(), Histogram::value_max);
}

// Fails if values from before are still told, or a maximum is.
TEST(Histogram, TwoReadingsTellWhatCameBetween) {
  Histogram histogram;
  histogram.record(1'000'000);
  const HistogramCounts before = histogram.counts();
  for (const uint64_t value : {10U, 20U, 30U}) histogram.record(value);
  const HistogramCounts between = histogram.counts().since(before);
  EXPECT_EQ(between.count(), 3U);
  EXPECT_EQ(between.quantile(0.5), 20U);
  EXPECT_EQ(between.max(), 30U);
  EXPECT_EQ(between.mean(), 20.0);
}

TEST(Histogram, SeveralWritersCountTogether) {
  HistogramCounts sum = counts_of({1, 2});
  sum += counts_of({3, 100'000});
  EXPECT_EQ(sum.count(), 4U);
  EXPECT_EQ(sum.quantile(0.75), 3U);
  EXPECT_EQ(sum.max(), 100'000U);
}

TEST(Histogram, TheSparseFormHoldsEverything) {
  const HistogramCounts counts = counts_of({0, 5, 5, 70'000});
  const HistogramCounts again = HistogramCounts::from(counts.buckets(), counts.sum(), counts.max());
  EXPECT_EQ(counts.buckets().size(), 3U);
  EXPECT_EQ(again.since(counts).count(), 0U);
  EXPECT_EQ(again.mean(), counts.mean());
  EXPECT_EQ(again.max(), counts.max());
}

// Fails under the thread sanitizer if reading needs a lock, and anywhere if a count goes backwards
// or is lost.
TEST(Histogram, IsReadWhileItIsWritten) {
  constexpr uint64_t values = 200'000;
  Histogram histogram;
  std::thread writer{[&] {
    for (uint64_t value = 0; value < values; ++value) histogram.record(value);
  }};
  HistogramCounts last = histogram.counts();
  while (last.count() < values) {
    const HistogramCounts next = histogram.counts();
    ASSERT_GE(next.count(), last.count());
    ASSERT_LE(next.quantile(0.99), next.max());
    last = next;
  }
  writer.join();
  EXPECT_EQ(last.count(), values);
  EXPECT_EQ(histogram.counts().sum(), values * (values - 1) / 2);
}

}  // namespace
}  // namespace hilo
