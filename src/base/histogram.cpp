#include "base/histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/ensure.h"

namespace hilo {

HistogramCounts::HistogramCounts() : counts_(Histogram::bucket_count) {}

uint64_t HistogramCounts::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

double HistogramCounts::mean() const {
  const uint64_t values = count();
  return values == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(values);
}

uint64_t HistogramCounts::quantile(double q) const {
  const uint64_t values = count();
  const auto wanted = static_cast<uint64_t>(std::ceil(q * static_cast<double>(values)));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= std::max<uint64_t>(wanted, 1)) return std::min(Histogram::highest_of(bucket), max_);
  }
  return 0;
}

std::vector<uint64_t> HistogramCounts::up_to(std::span<const uint64_t> bounds) const {
  std::vector<uint64_t> counts;
  counts.reserve(bounds.size());
  uint64_t seen = 0;
  size_t bucket = 0;
  for (const uint64_t bound : bounds) {
    for (; bucket < counts_.size() && Histogram::highest_of(bucket) <= bound; ++bucket)
      seen += counts_[bucket];
    counts.push_back(seen);
  }
  return counts;
}

HistogramCounts& HistogramCounts::operator+=(const HistogramCounts& other) {
  std::transform(counts_.begin(), counts_.end(), other.counts_.begin(), counts_.begin(),
                 std::plus{});
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
  return *this;
}

HistogramCounts HistogramCounts::since(const HistogramCounts& earlier) const {
  HistogramCounts difference;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    difference.counts_[bucket] = counts_[bucket] - earlier.counts_[bucket];
    if (difference.counts_[bucket] > 0)
      difference.max_ = std::min(Histogram::highest_of(bucket), max_);
  }
  difference.sum_ = sum_ - earlier.sum_;
  return difference;
}

std::vector<HistogramCounts::Bucket> HistogramCounts::buckets() const {
  std::vector<Bucket> sparse;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket)
    if (counts_[bucket] > 0) sparse.push_back({static_cast<uint32_t>(bucket), counts_[bucket]});
  return sparse;
}

HistogramCounts HistogramCounts::from(const std::vector<Bucket>& buckets, uint64_t sum,
                                      uint64_t max) {
  HistogramCounts counts;
  for (const Bucket& bucket : buckets) {
    ENSURE(bucket.index < counts.counts_.size());
    counts.counts_[bucket.index] = bucket.count;
  }
  counts.sum_ = sum;
  counts.max_ = max;
  return counts;
}

HistogramCounts Histogram::counts() const {
  HistogramCounts copy;
  std::ranges::transform(counts_, copy.counts_.begin(), &Counter::get);
  copy.sum_ = sum_.get();
  copy.max_ = max_.get();
  return copy;
}

}  // namespace hilo
