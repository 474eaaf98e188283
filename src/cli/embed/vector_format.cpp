#include "cli/embed/vector_format.h"

#include <bit>
#include <iterator>
#include <limits>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ensure.h"
#include "cli/text_input.h"

namespace hilo {

void append_record(VectorFormat format, const VectorRecord& record, std::string& bytes) {
  auto end = std::back_inserter(bytes);
  switch (format) {
    case VectorFormat::npy:
      static_assert(std::endian::native == std::endian::little);  // As the header says.
      bytes.append(reinterpret_cast<const char*>(record.vector.data()), record.vector.size_bytes());
      return;
    case VectorFormat::text:
      fmt::format_to(end, "{}\n", fmt::join(record.vector, " "));
      return;
    case VectorFormat::jsonl:
      bytes += '{';
      if (!record.id.empty()) fmt::format_to(end, "\"id\": {}, ", record.id);
      fmt::format_to(end,
                     "\"text\": {}, \"tokens\": {}, \"truncated\": {}, \"embedding\": [{}]}}\n",
                     json_string(std::string{record.text}), record.tokens, record.truncated,
                     fmt::join(record.vector, ", "));
  }
}

void append_gap(VectorFormat format, size_t dims, std::string& bytes) {
  if (!marks_gaps(format)) return;
  const std::vector<float> gap(dims, std::numeric_limits<float>::quiet_NaN());
  append_record(format, {.text = {}, .id = {}, .vector = gap}, bytes);
}

std::string npy_header(uint64_t count, size_t dims) {
  // Magic, version 1.0, and the bytes that follow, least significant first.
  const std::string_view preamble{"\x93NUMPY\x01\x00\x76\x00", 10};
  static_assert(npy_header_bytes - 10 == 0x76);
  const std::string shape =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", count, dims);
  std::string header{preamble};
  header += shape;
  ENSURE(header.size() < npy_header_bytes);
  header.resize(npy_header_bytes - 1, ' ');
  header += '\n';
  return header;
}

}  // namespace hilo
