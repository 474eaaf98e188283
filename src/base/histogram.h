// How often values fell where, from 0 to 2^40, told to within 1.6 percent: each doubling is cut
// into 64 equal ranges, and values below 128 are exact.
//
//   value     0 1 ... 127 | 128 130 ... 254 | 256 260 ... 508 | ...
//   bucket    0 1 ... 127 | 128 129 ... 191 | 192 193 ... 255 | ...
//
// Threads: one writes, any may read at the same time, and none of them waits. A reader may see the
// value that is being recorded in part (its bucket and not yet the sum), never a torn number.
// Fixed memory: 18 KiB, had at construction.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hilo {

// A number with one writer. It is no read-modify-write, so it costs two plain moves.
class Counter {
 public:
  void add(uint64_t amount) { set(get() + amount); }
  void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// What a reader holds: plain numbers.
class HistogramCounts {
 public:
  HistogramCounts();
  // The value that a share of `q` (0 to 1) of the values do not exceed, told no lower than it was
  // and at most 1.6 percent too high. 0 if there are none.
  uint64_t quantile(double q) const;
  uint64_t count() const;
  double mean() const;
  uint64_t max() const { return max_; }
  // For each bound, from low to high, how many values certainly do not exceed it: of those within
  // 1.6 percent below the bound, some may count as above.
  std::vector<uint64_t> up_to(std::span<const uint64_t> bounds) const;

  // Values of several writers together.
  HistogramCounts& operator+=(const HistogramCounts& other);
  // What was recorded since `earlier`, which was read from the same histogram. Its max is told like
  // a quantile.
  HistogramCounts since(const HistogramCounts& earlier) const;

  // The sparse form, for files and sockets.
  struct Bucket {
    uint32_t index;
    uint64_t count;
  };
  std::vector<Bucket> buckets() const;
  static HistogramCounts from(const std::vector<Bucket>& buckets, uint64_t sum, uint64_t max);
  uint64_t sum() const { return sum_; }

 private:
  friend class Histogram;
  std::vector<uint64_t> counts_;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
};

class Histogram {
 public:
  static constexpr uint64_t value_max = (uint64_t{1} << 40) - 1;  // Larger ones count as this.
  static constexpr uint32_t sub_bits = 6;
  static constexpr size_t bucket_count = (std::bit_width(value_max) - sub_bits - 1 + 2) << sub_bits;

  static constexpr size_t bucket_of(uint64_t value) {
    // The bit that is put in changes no width but that of values below 64, which are not shifted.
    constexpr uint64_t least = uint64_t{1} << sub_bits;
    const auto shift = static_cast<uint32_t>(std::bit_width(value | least)) - sub_bits - 1;
    return (size_t{shift} << sub_bits) + (value >> shift);
  }
  // The largest value that falls into a bucket.
  static constexpr uint64_t highest_of(size_t bucket) {
    const size_t octave = bucket >> sub_bits;
    const size_t shift = octave > 1 ? octave - 1 : 0;
    const uint64_t top = bucket - (shift << sub_bits);
    return ((top + 1) << shift) - 1;
  }

  void record(uint64_t value) {
    if (value > value_max) value = value_max;
    counts_[bucket_of(value)].add(1);
    sum_.add(value);
    if (value > max_.get()) max_.set(value);
  }

  HistogramCounts counts() const;

 private:
  std::array<Counter, bucket_count> counts_{};
  Counter sum_;
  Counter max_;
};
static_assert(Histogram::bucket_of(Histogram::value_max) == Histogram::bucket_count - 1);
static_assert(Histogram::highest_of(Histogram::bucket_count - 1) == Histogram::value_max);

}  // namespace hilo
