#include "cli/embed/vector_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/embed/file_name.h"

namespace hilo {
namespace {

// Calls `read` or `write` until all is done. False: errno says why not, or is 0 at a file's end.
template <class Call>
bool transfer(size_t bytes, Call call) {
  for (size_t done = 0; done < bytes;) {
    errno = 0;
    const ssize_t now = call(done, bytes - done);
    if (now > 0)
      done += static_cast<size_t>(now);
    else if (now == 0 || errno != EINTR)
      return false;
  }
  return true;
}

bool read_at(int fd, uint64_t offset, std::string& bytes) {
  return transfer(bytes.size(), [&](size_t done, size_t left) {
    return ::pread(fd, bytes.data() + done, left, static_cast<off_t>(offset + done));
  });
}

}  // namespace

Result<VectorFile> VectorFile::standard_output(VectorFormat format, size_t dims) {
  VectorFile file{UniqueFd{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)}, "standard output", format,
                  dims};
  if (!file.fd_.valid()) return file.failed("cannot write to");
  if (format == VectorFormat::npy) {
    const bool fits = !path_of_descriptor(STDOUT_FILENO).empty() &&
                      ::lseek(file.fd_.get(), 0, SEEK_CUR) == 0 &&
                      (::fcntl(file.fd_.get(), F_GETFL) & O_APPEND) == 0;
    if (!fits)
      return Error{
          "how many vectors there are is written to the start of a .npy file at the end, and "
          "standard output cannot go back there: use --output FILE, or --format jsonl"};
  }
  if (Status status = file.begin_anew(); !status) return status.error();
  return file;
}

Result<VectorFile> VectorFile::open(const std::string& path, bool resume, VectorFormat format,
                                    size_t dims) {
  VectorFile file{UniqueFd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)}, path, format,
                  dims};
  if (!file.fd_.valid()) return file.failed("cannot open");
  if (::flock(file.fd_.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{fmt::format("{}: another program is writing it", path)};
  struct stat facts {};
  if (::fstat(file.fd_.get(), &facts) != 0) return file.failed("cannot read");
  if (facts.st_size > 0) {
    if (!resume)
      return Error{fmt::format(
          "{} is there already: go on with it by --resume, or remove it to begin anew", path)};
    if (Status status = file.find_records(); !status) return status.error();
  }
  if (!file.expected_.empty()) return file;
  if (::ftruncate(file.fd_.get(), 0) != 0) return file.failed("cannot write to");
  if (Status status = file.begin_anew(); !status) return status.error();
  return file;
}

Status VectorFile::begin_anew() {
  if (format_ != VectorFormat::npy) return {};
  if (Status status = write_header(); !status) return status;
  if (::lseek(fd_.get(), npy_header_bytes, SEEK_SET) < 0) return failed("cannot write to");
  return {};
}

Status VectorFile::find_records() {
  struct stat facts {};
  if (::fstat(fd_.get(), &facts) != 0) return failed("cannot read");
  return format_ == VectorFormat::npy ? find_rows(static_cast<uint64_t>(facts.st_size))
                                      : find_lines();
}

Status VectorFile::find_rows(uint64_t file_bytes) {
  std::string header(npy_header_bytes, '\0');
  uint64_t counted = 0;
  if (read_at(fd_.get(), 0, header))
    if (const size_t shape = header.find('('); shape != std::string::npos)
      std::from_chars(header.data() + shape + 1, header.data() + header.size(), counted);
  if (header != npy_header(counted, dims_))
    return Error{
        fmt::format("{} is no .npy file of vectors of {} floats: --resume goes on with "
                    "what the same command has begun",
                    name_, dims_)};
  const uint64_t row_bytes = dims_ * sizeof(float);
  const uint64_t rows = (file_bytes - npy_header_bytes) / row_bytes;
  if (rows == 0) return {};
  records_ = rows - 1;
  expected_at_ = npy_header_bytes + records_ * row_bytes;
  expected_.resize(row_bytes);
  if (!read_at(fd_.get(), expected_at_, expected_)) return failed("cannot read");
  return {};
}

Status VectorFile::find_lines() {
  std::string block(size_t{1} << 20, '\0');
  uint64_t offset = 0;
  uint64_t end = 0;  // of the last complete line
  for (ssize_t got = 0;
       (got = ::pread(fd_.get(), block.data(), block.size(), static_cast<off_t>(offset))) != 0;) {
    if (got < 0) return failed("cannot read");
    const std::string_view read{block.data(), static_cast<size_t>(got)};
    for (size_t line = read.find('\n'); line != read.npos; line = read.find('\n', line + 1)) {
      ++records_;
      expected_at_ = end;
      end = offset + line + 1;
    }
    offset += read.size();
  }
  if (records_ == 0) return {};
  --records_;
  expected_.resize(end - expected_at_);
  if (!read_at(fd_.get(), expected_at_, expected_)) return failed("cannot read");
  return {};
}

Status VectorFile::append(std::string_view bytes, uint64_t records) {
  if (records == 0) return {};
  if (!expected_.empty())
    if (Status status = go_on(bytes); !status) return status;
  const bool written = transfer(bytes.size(), [&](size_t done, size_t left) {
    return ::write(fd_.get(), bytes.data() + done, left);
  });
  if (!written) return failed("cannot write to");
  records_ += records;
  return format_ == VectorFormat::npy ? write_header() : Status{};
}

// The first append to a file that an earlier run began: it repeats that run's last record.
Status VectorFile::go_on(std::string_view bytes) {
  if (!bytes.starts_with(expected_))
    return Error{
        fmt::format("{} was begun with another input, model or options: its record {} is "
                    "not what comes out now",
                    name_, records_ + 1)};
  const uint64_t end = expected_at_ + expected_.size();  // What follows is part of a record.
  expected_.clear();
  if (::ftruncate(fd_.get(), static_cast<off_t>(end)) != 0 ||
      ::lseek(fd_.get(), static_cast<off_t>(expected_at_), SEEK_SET) < 0)
    return failed("cannot write to");
  return {};
}

Status VectorFile::finish() const {
  if (expected_.empty()) return {};
  return Error{
      fmt::format("{} has {} records already, more than the input has texts: it was begun "
                  "with another input",
                  name_, records_ + 1)};
}

Status VectorFile::write_header() {
  const std::string header = npy_header(records_, dims_);
  const bool written = transfer(header.size(), [&](size_t done, size_t left) {
    return ::pwrite(fd_.get(), header.data() + done, left, static_cast<off_t>(done));
  });
  return written ? Status{} : Status{failed("cannot write to")};
}

Error VectorFile::failed(std::string_view what) const {
  return Error{fmt::format("{} {}: {}", what, name_, std::strerror(errno))};
}

}  // namespace hilo
