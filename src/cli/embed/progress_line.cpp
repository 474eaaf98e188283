#include "cli/embed/progress_line.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "base/log.h"

namespace hilo {
namespace {

constexpr size_t bar_width = 24;

// 1234567 -> "1,234,567"
std::string grouped(uint64_t number) {
  std::string digits = fmt::to_string(number);
  for (size_t place = digits.size(); place > 3;) digits.insert(place -= 3, 1, ',');
  return digits;
}

double seconds_of(Nanoseconds time) { return static_cast<double>(time) / second_ns; }

std::string rates(const RunCounts& counts, Nanoseconds time) {
  const auto per_second = [&](uint64_t count) {
    return grouped(
        static_cast<uint64_t>(static_cast<double>(count) / std::max(seconds_of(time), 1e-6)));
  };
  return fmt::format("{} texts/s, {} tokens/s", per_second(counts.texts),
                     per_second(counts.tokens));
}

std::string time_left(double seconds) {
  const auto whole = static_cast<uint64_t>(std::clamp(seconds, 0.0, 1e9));
  if (whole < 120) return fmt::format("{} s left", whole);
  if (whole < 7200) return fmt::format("{} min left", whole / 60);
  return fmt::format("{} h {} min left", whole / 3600, whole / 60 % 60);
}

}  // namespace

std::string progress_text(const RunCounts& counts, Nanoseconds time,
                          std::optional<uint64_t> input_bytes) {
  std::string done = fmt::format("{} texts, {}", grouped(counts.texts), rates(counts, time));
  if (!input_bytes || *input_bytes == 0) return done;
  // The input may have grown meanwhile.
  const double part =
      std::min(1.0, static_cast<double>(counts.input_bytes) / static_cast<double>(*input_bytes));
  const auto filled = static_cast<size_t>(part * bar_width);
  const std::string left =
      part > 0 ? ", " + time_left(seconds_of(time) * (1 - part) / part) : std::string{};
  return fmt::format("[{}{}] {:.0f} %  {}{}", std::string(filled, '#'),
                     std::string(bar_width - filled, '.'), part * 100, done, left);
}

std::string summary_text(const RunCounts& counts, Nanoseconds time) {
  std::string text = fmt::format("{} texts, {} tokens in {:.1f} s: {}", grouped(counts.texts),
                                 grouped(counts.tokens), seconds_of(time), rates(counts, time));
  if (counts.truncated > 0)
    text += fmt::format("; texts cut at the model's limit: {}", grouped(counts.truncated));
  if (counts.skipped > 0) text += fmt::format("; lines skipped: {}", grouped(counts.skipped));
  return text;
}

ProgressLine::ProgressLine(bool shown, std::optional<uint64_t> input_bytes)
    : shown_(shown), input_bytes_(input_bytes) {}

void ProgressLine::add(const RunCounts& counts) {
  const std::lock_guard lock{mutex_};
  counts_.texts += counts.texts;
  counts_.tokens += counts.tokens;
  counts_.truncated += counts.truncated;
  counts_.skipped += counts.skipped;
  counts_.input_bytes += counts.input_bytes;
}

void ProgressLine::draw() {
  const std::lock_guard lock{mutex_};
  if (!shown_) return;
  fmt::print(stderr, "\r{}\x1b[K", progress_text(counts_, monotonic_now() - began_, input_bytes_));
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::warn(std::string_view message) {
  const std::lock_guard lock{mutex_};
  erase();
  log_warning(message);
}

void ProgressLine::clear() {
  const std::lock_guard lock{mutex_};
  erase();
}

void ProgressLine::erase() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

RunCounts ProgressLine::counts() const {
  const std::lock_guard lock{mutex_};
  return counts_;
}

}  // namespace hilo
