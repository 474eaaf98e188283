// The file or stream that vectors are written to, record after record. It is complete after each
// append(): a .npy file's header always counts the rows that are there.
//
// A run that was killed left some complete records and perhaps part of one more. Going on needs no
// other trace: the last complete record is computed once more, and must come out as it stands in
// the file, bit by bit, which it does only for the same input, model and options.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cli/embed/vector_format.h"

namespace hilo {

class VectorFile {
 public:
  static Result<VectorFile> standard_output(VectorFormat format, size_t dims);
  // A new file; or, with `resume`, one that an earlier run may have begun.
  static Result<VectorFile> open(const std::string& path, bool resume, VectorFormat format,
                                 size_t dims);

  // Records that stand in the file and are not appended again.
  uint64_t records() const { return records_; }
  Status append(std::string_view bytes, uint64_t records);
  // After the last append().
  Status finish() const;

 private:
  VectorFile(UniqueFd fd, std::string name, VectorFormat format, size_t dims)
      : fd_(std::move(fd)), name_(std::move(name)), format_(format), dims_(dims) {}

  Status begin_anew();
  Status find_records();
  Status find_rows(uint64_t file_bytes);
  Status find_lines();
  Status go_on(std::string_view bytes);
  Status write_header();
  Error failed(std::string_view what) const;

  UniqueFd fd_;
  std::string name_;
  VectorFormat format_;
  size_t dims_;
  uint64_t records_ = 0;
  // The last record of an earlier run: where it is, and what the first append() must begin with.
  uint64_t expected_at_ = 0;
  std::string expected_;
};

}  // namespace hilo
