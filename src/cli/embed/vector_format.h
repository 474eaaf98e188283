// How vectors are written: as lines of numbers, lines of JSON, or NumPy's binary format.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hilo {

enum class VectorFormat { text, jsonl, npy };

// What is written of one text.
struct VectorRecord {
  std::string_view text;
  std::string_view id;  // JSON; empty: none
  uint32_t tokens = 0;
  bool truncated = false;
  std::span<const float> vector;
};

void append_record(VectorFormat format, const VectorRecord& record, std::string& bytes);
// What stands for a line that is left out: NaN, so that row i stays line i. JSON lines need none.
void append_gap(VectorFormat format, size_t dims, std::string& bytes);
constexpr bool marks_gaps(VectorFormat format) { return format != VectorFormat::jsonl; }

// A .npy file of float32 [count, dims] begins with this, whatever the count.
inline constexpr size_t npy_header_bytes = 128;
std::string npy_header(uint64_t count, size_t dims);

}  // namespace hilo
