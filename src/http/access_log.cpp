#include "http/access_log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <iterator>
#include <poll.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "http/json_writer.h"

namespace hilo::http {
namespace {

constexpr size_t path_bytes_told = 512;
constexpr int full_wait_ms = 1000;
constexpr Nanoseconds finish_wait_max = second_ns;

// What a client sent may be any bytes, and a line must be JSON: others than ASCII are escaped.
void append_foreign(std::string& line, const char* name, std::string_view text) {
  line.append(name).append("\"");
  for (const char c : text) {
    if (c >= ' ' && c < 127 && c != '"' && c != '\\')
      line += c;
    else
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", static_cast<unsigned char>(c));
  }
  line += '"';
}

void append_number(std::string& line, const char* name, uint64_t number) {
  line += name;
  append_json_number(line, number);
}

void append_microseconds(std::string& line, const char* name, Nanoseconds duration) {
  append_number(line, name, static_cast<uint64_t>(std::max<Nanoseconds>(duration, 0) / 1000));
}

// As many whole lines as one write to a pipe takes at once, so that lines of others, who write to
// standard error as well, come between two of them and not into one.
size_t piece_of(std::string_view lines) {
  if (lines.size() <= PIPE_BUF) return lines.size();
  const size_t end = lines.rfind('\n', PIPE_BUF - 1);
  return (end != std::string_view::npos ? end : lines.find('\n')) + 1;
}

// How many bytes at the end could not be written.
size_t write_lines(int file, std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = ::write(file, lines.data(), piece_of(lines));
    if (written >= 0) {
      lines.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd room{file, POLLOUT, 0};
      if (::poll(&room, 1, full_wait_ms) <= 0) break;
    } else if (errno != EINTR) {
      break;
    }
  }
  return lines.size();
}

uint64_t lines_in(std::string_view text) {
  return static_cast<uint64_t>(std::ranges::count(text, '\n'));
}

}  // namespace

void append_log_line(std::string& lines, const RequestRecord& record, std::string_view time) {
  lines.append(R"({"time":")").append(time);
  lines.append(R"(","id":")").append(record.tag.id).append("\"");
  if (const auto trace = record.tag.trace_id(); !trace.empty())
    lines.append(R"(,"trace":")").append(trace).append("\"");
  append_foreign(lines, R"(,"client":)", record.client);
  if (!record.caller.empty()) append_foreign(lines, R"(,"key":)", record.caller);
  if (record.request != nullptr) {
    append_foreign(lines, R"(,"method":)", record.request->method);
    append_foreign(lines, R"(,"path":)", record.request->path.substr(0, path_bytes_told));
  }
  append_number(lines, R"(,"status":)", record.status);
  if (record.lane) {
    lines.append(*record.lane == Lane::high ? R"(,"lane":"high")" : R"(,"lane":"low")");
    append_number(lines, R"(,"texts":)", record.texts);
    append_number(lines, R"(,"tokens":)", record.tokens);
    append_number(lines, R"(,"engine_us":)", record.engine_ns_max / 1000);
  }
  append_number(lines, R"(,"request_bytes":)", record.request_bytes);
  append_number(lines, R"(,"response_bytes":)", record.response_bytes);
  append_microseconds(lines, R"(,"receive_us":)", record.received - record.begun);
  append_microseconds(lines, R"(,"parse_us":)", record.parsed - record.received);
  append_microseconds(lines, R"(,"compute_us":)", record.computed - record.parsed);
  append_microseconds(lines, R"(,"write_us":)", record.written - record.computed);
  append_microseconds(lines, R"(,"send_us":)", record.sent - record.written);
  append_microseconds(lines, R"(,"whole_us":)", record.sent - record.begun);
  if (record.hung_up) lines += R"(,"hung_up":true)";
  lines += "}\n";
}

Status AccessLog::open() {
  const bool to_standard_error = path_ == standard_error;
  const int file =
      to_standard_error
          ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
          : ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0)
    return Error{
        fmt::format("The access log {} cannot be written: {}.", path_, std::strerror(errno))};
  // Lines that were handed over before still go to the file before.
  thread_.run([this, file] { file_.reset(file); }, [] {});
  return {};
}

void AccessLog::add(const RequestRecord& record) {
  if (lines_.size() + bytes_handed_over_ >= bytes_max)
    dropped_.add(1);
  else
    append_log_line(lines_, record, time_of_day());
}

void AccessLog::flush() {
  if (lines_.empty()) return;
  const size_t bytes = lines_.size();
  bytes_handed_over_ += bytes;
  thread_.run(
      [this, lines = std::exchange(lines_, {})] {
        const size_t unwritten = write_lines(file_.get(), lines);
        lines_failed_ += lines_in(std::string_view{lines}.substr(lines.size() - unwritten));
      },
      [this, bytes] {
        bytes_handed_over_ -= bytes;
        dropped_.add(lines_failed_.exchange(0));
      });
}

void AccessLog::finish() {
  flush();
  const Instant deadline = monotonic_now() + finish_wait_max;
  while (bytes_handed_over_ > 0 && monotonic_now() < deadline) {
    pollfd news{descriptor(), POLLIN, 0};
    if (::poll(&news, 1, static_cast<int>(finish_wait_max / millisecond_ns)) > 0) take_news();
  }
}

// 2026-02-28T12:00:00.123Z. Most requests end in the millisecond of the one before.
std::string_view AccessLog::time_of_day() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const int64_t ms = int64_t{now.tv_sec} * 1000 + now.tv_nsec / millisecond_ns;
  if (ms == time_ms_) return time_;
  time_ms_ = ms;
  std::tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> seconds{};
  std::strftime(seconds.data(), seconds.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  time_ = fmt::format("{}.{:03}Z", seconds.data(), ms % 1000);
  return time_;
}

}  // namespace hilo::http
