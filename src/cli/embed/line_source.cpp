#include "cli/embed/line_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/embed/stop_request.h"

namespace hilo {
namespace {

constexpr size_t read_bytes = size_t{64} * 1024;
// How long a request to stop may go unnoticed where nothing comes.
constexpr int wait_ms_max = 100;

}  // namespace

LineSource::LineSource(int descriptor, size_t line_bytes_max)
    : descriptor_(descriptor), line_bytes_max_(line_bytes_max) {}

Result<std::optional<Line>> LineSource::next() {
  if (stop_requested()) return std::optional<Line>{};
  Line line;
  while (!has_line()) {
    if (buffered() > line_bytes_max_) {  // Its rest is read as well, and dropped.
      line.too_long = true;
      line.input_bytes += buffered() - line_bytes_max_;
      buffer_.resize(line_begin_ + line_bytes_max_);
      searched_ = buffer_.size();
    }
    const auto more = read_more();
    if (!more) return more.error();
    if (*more) continue;
    if (stop_requested() || buffered() == 0) return std::optional<Line>{};
    break;  // The last line has no end.
  }
  const size_t end = has_line() ? line_end_ : buffer_.size();
  line.number = ++lines_;
  line.too_long |= end - line_begin_ > line_bytes_max_;
  line.bytes = buffer_.substr(line_begin_, std::min(end - line_begin_, line_bytes_max_));
  line.input_bytes += end - line_begin_ + (has_line() ? 1 : 0);
  input_bytes_ += line.input_bytes;
  line_begin_ = has_line() ? end + 1 : end;
  searched_ = line_begin_;
  find_line_end();
  return std::optional{std::move(line)};
}

Result<bool> LineSource::read_more() {
  buffer_.erase(0, line_begin_);
  searched_ -= line_begin_;
  line_begin_ = 0;
  while (!stop_requested()) {
    pollfd input{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (::poll(&input, 1, wait_ms_max) <= 0) continue;
    const size_t before = buffer_.size();
    buffer_.resize(before + read_bytes);
    const ssize_t got = ::read(descriptor_, buffer_.data() + before, read_bytes);
    const int cause = errno;
    buffer_.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got >= 0) {
      find_line_end();
      return got > 0;
    }
    if (cause != EINTR && cause != EAGAIN)
      return Error{fmt::format("cannot read standard input: {}", std::strerror(cause))};
  }
  return false;
}

void LineSource::find_line_end() {
  line_end_ = buffer_.find('\n', searched_);
  searched_ = has_line() ? line_end_ : buffer_.size();
}

}  // namespace hilo
