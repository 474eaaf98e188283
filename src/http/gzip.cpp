#include "http/gzip.h"

#include <algorithm>
#include <zlib.h>

#include <fmt/format.h>

namespace hilo::http {
namespace {

constexpr int gzip_window_bits = 15 + 16;  // zlib's way to ask for gzip's header and checksum
constexpr size_t step_bytes = 64 * 1024;

class Inflater {
 public:
  explicit Inflater(std::string_view packed) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    usable_ = ::inflateInit2(&stream_, gzip_window_bits) == Z_OK;
  }
  ~Inflater() {
    if (usable_) ::inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends up to `room` bytes. Z_OK: there is more.
  int advance(std::string& unpacked, size_t room) {
    if (!usable_) return Z_MEM_ERROR;
    const size_t before = unpacked.size();
    unpacked.resize(before + room);
    stream_.next_out = reinterpret_cast<Bytef*>(unpacked.data() + before);
    stream_.avail_out = static_cast<uInt>(room);
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    unpacked.resize(unpacked.size() - stream_.avail_out);
    return result;
  }
  bool all_taken() const { return stream_.avail_in == 0; }

 private:
  z_stream stream_{};
  bool usable_ = false;
};

}  // namespace

Outcome<std::string> unpack_gzip(std::string_view packed, size_t bytes_max) {
  Inflater inflater{packed};
  std::string unpacked;
  int result = Z_OK;
  // One byte more than allowed is enough to know.
  while (result == Z_OK && unpacked.size() <= bytes_max)
    result = inflater.advance(unpacked, std::min(step_bytes, bytes_max + 1 - unpacked.size()));
  if (unpacked.size() > bytes_max)
    return Problem{
        .kind = ProblemKind::body_too_large,
        .message = fmt::format("The body unpacks to more than {} bytes, the most that is taken.",
                               bytes_max)};
  if (result != Z_STREAM_END || !inflater.all_taken())
    return Problem{.message = "The body is not valid gzip, though its Content-Encoding says so."};
  return unpacked;
}

}  // namespace hilo::http
