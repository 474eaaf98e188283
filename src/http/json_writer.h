// Writing JSON by hand: strings, numbers, vectors. Appends to a string that the caller reserves.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hilo::http {

// With its quotes. Each byte that is not valid UTF-8 becomes U+FFFD: a path or a name that was cut
// short may hold any, and the response must be JSON all the same.
void append_json_text(std::string& json, std::string_view text);
void append_json_number(std::string& json, uint64_t number);
// The shortest digits that read back as the same float; null for what JSON has no number for.
void append_json_number(std::string& json, float number);
// [0.1,0.2]
void append_json_vector(std::string& json, std::span<const float> vector);
// The floats' bytes, little-endian, in base64 and quotes, as the official OpenAI clients ask for.
void append_base64_vector(std::string& json, std::span<const float> vector);

// Room for one float of append_json_vector, comma included.
inline constexpr size_t json_float_bytes = 16;

}  // namespace hilo::http
