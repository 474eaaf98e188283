// How far a long run is: a line on a terminal's standard error that redraws itself, and a summary.
// Threads: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace hilo {

struct RunCounts {
  uint64_t texts = 0;
  uint64_t tokens = 0;
  uint64_t truncated = 0;
  uint64_t skipped = 0;
  uint64_t input_bytes = 0;
};

// "[######......] 25 %  12,345 texts  1,030 texts/s  21,000 tokens/s  36 s left"; without the size
// of the input, the counts and rates alone.
std::string progress_text(const RunCounts& counts, Nanoseconds time,
                          std::optional<uint64_t> input_bytes);
// "12,345 texts, 252,000 tokens in 12.0 s: 1,030 texts/s, 21,000 tokens/s"
std::string summary_text(const RunCounts& counts, Nanoseconds time);

class ProgressLine {
 public:
  // `input_bytes`: what is to be read, where that is known. Draws nothing unless `shown`.
  ProgressLine(bool shown, std::optional<uint64_t> input_bytes);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void add(const RunCounts& counts);
  void draw();
  // A warning, above the line.
  void warn(std::string_view message);
  void clear();

  RunCounts counts() const;
  std::string summary() const { return summary_text(counts(), monotonic_now() - began_); }

 private:
  void erase();

  const bool shown_;
  const std::optional<uint64_t> input_bytes_;
  const Instant began_ = monotonic_now();
  mutable std::mutex mutex_;
  RunCounts counts_;
  bool drawn_ = false;
};

}  // namespace hilo
