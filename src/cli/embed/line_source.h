// The lines of a descriptor, read as they come: a terminal's line by line, a file's in large
// pieces. Memory is bounded, whatever the input holds. Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace hilo {

struct Line {
  uint64_t number = 0;       // from 1
  std::string bytes;         // without its end; cut where it is too long
  uint64_t input_bytes = 0;  // what it took in the input, its end included
  bool too_long = false;
};

class LineSource {
 public:
  // The descriptor is borrowed. Of longer lines only the start is kept.
  LineSource(int descriptor, size_t line_bytes_max);

  // The next line, waiting for it if need be. None: the end, or a stop was requested.
  Result<std::optional<Line>> next();
  // Whether next() would not wait.
  bool has_line() const { return line_end_ != std::string::npos; }
  // Of the lines that next() has given.
  uint64_t input_bytes() const { return input_bytes_; }

 private:
  size_t buffered() const { return buffer_.size() - line_begin_; }
  // False: nothing more comes.
  Result<bool> read_more();
  void find_line_end();

  int descriptor_;
  size_t line_bytes_max_;
  std::string buffer_;
  size_t line_begin_ = 0;
  size_t line_end_ = std::string::npos;  // the next line's, as far as it was read
  size_t searched_ = 0;                  // No end of the next line is before this.
  uint64_t lines_ = 0;
  uint64_t input_bytes_ = 0;
};

}  // namespace hilo
