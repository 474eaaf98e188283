// Any bytes as a packed body: it is refused, or what comes out is within the limit and is what
// zlib's own one-call reader makes of it, byte for byte.
#include <optional>
#include <zlib.h>

#include "base/ensure.h"
#include "http/gzip.h"

namespace {

constexpr size_t unpacked_max = 100'000;

// With a byte more of room than may come out; empty where zlib says that it is broken.
std::optional<std::string> unpacked_at_once(std::string_view packed) {
  z_stream stream{};
  ENSURE(::inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string unpacked(unpacked_max + 1, '\0');
  std::string input{packed};
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
  stream.avail_out = static_cast<uInt>(unpacked.size());
  const int result = ::inflate(&stream, Z_FINISH);
  unpacked.resize(stream.total_out);
  const bool whole = result == Z_STREAM_END && stream.avail_in == 0;
  ::inflateEnd(&stream);
  if (!whole) return std::nullopt;
  return unpacked;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view packed{reinterpret_cast<const char*>(data), size};
  const auto unpacked = hilo::http::unpack_gzip(packed, unpacked_max);
  if (unpacked) ENSURE(unpacked->size() <= unpacked_max);
  const auto expected = unpacked_at_once(packed);
  const bool fits = expected && expected->size() <= unpacked_max;
  ENSURE(static_cast<bool>(unpacked) == fits);
  if (unpacked) ENSURE(*unpacked == *expected);
  return 0;
}
