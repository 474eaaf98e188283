// Any bytes as what a client sends: the same requests come out, however the bytes are cut into
// pieces. A difference is what smuggling requests past a proxy is made of. (Of a request that is
// not whole yet, what is wrong may be seen sooner or later.) Input: a byte for the length of the
// pieces, then what is sent.
#include <algorithm>
#include <cstring>

#include "base/ensure.h"
#include "http/request_reader.h"

namespace {

using namespace hilo::http;

constexpr uint32_t body_bytes_max = 256;

// What came of it, as text: every request.
std::string told_of(std::string_view bytes, size_t piece) {
  RequestReader reader{body_bytes_max};
  std::string told;
  while (!bytes.empty()) {
    const auto room = reader.room();
    const size_t count = std::min({piece, bytes.size(), room.size()});
    ENSURE(count > 0);
    std::memcpy(room.data(), bytes.data(), count);
    reader.add(count);
    bytes.remove_prefix(count);
    while (true) {
      if (reader.advance()) return told;
      if (reader.state() != RequestReader::State::whole) break;
      const Request request = reader.take();
      ENSURE(request.body.size() <= body_bytes_max);
      told.append(request.method).append(" ").append(request.path);
      told.append("?").append(request.query).append("\n");
      for (const Header& header : request.headers)
        told.append(header.name).append(": ").append(header.value).append("\n");
      told.append(request.body).append(reader.keep_open() ? "\n" : "\nclose\n");
      reader.next();
    }
  }
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  ENSURE(told_of(bytes, size) == told_of(bytes, size_t{data[0]} % 32 + 1));
  return 0;
}
