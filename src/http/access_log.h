// One line of JSON for each request, to standard error or a file. Lines are handed to a thread of
// their own ten times a second, so no request waits for a disk; when that thread does not keep up,
// lines are dropped and counted.
//
// Threads: the io thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/histogram.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "http/bulk_thread.h"
#include "http/request_record.h"

namespace hilo::http {

// A line with its end. `time` is when the request was over, by the clock of the day.
void append_log_line(std::string& lines, const RequestRecord& record, std::string_view time);

class AccessLog {
 public:
  static constexpr const char* standard_error = "-";
  static constexpr size_t bytes_max = 8 * 1024 * 1024;  // of lines that are not written yet

  // `dropped` counts the lines that nobody will read.
  AccessLog(std::string path, Counter& dropped) : path_(std::move(path)), dropped_(dropped) {}

  // Opens the file; once more after it was moved away. If it cannot, the one before is written on.
  Status open();
  void add(const RequestRecord& record);
  // Hands over what has come since.
  void flush();
  // At the end: waits until all is written, but not long.
  void finish();

  // Becomes readable when take_news() has something to do.
  int descriptor() const { return thread_.descriptor(); }
  void take_news() { thread_.finish(); }

 private:
  std::string_view time_of_day();

  const std::string path_;
  Counter& dropped_;
  std::string lines_;             // not handed over
  size_t bytes_handed_over_ = 0;  // and not written
  std::string time_;              // as it was last told
  int64_t time_ms_ = -1;
  UniqueFd file_;  // of the thread
  std::atomic<uint64_t> lines_failed_{0};
  BulkThread thread_{"access-log"};  // Last, because it uses what is above.
};

}  // namespace hilo::http
