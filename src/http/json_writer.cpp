#include "http/json_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <openssl/evp.h>

namespace hilo::http {
namespace {

constexpr size_t float_digits_max = 16;  // "-1.17549435e-38" has 15
static_assert(std::endian::native == std::endian::little);
constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

// How many bytes the character has that the text begins with; 0 where that is not valid UTF-8.
size_t character_bytes(std::string_view text) {
  const auto is = [text](size_t index, unsigned min, unsigned max) {
    if (index >= text.size()) return false;
    const auto byte = static_cast<unsigned char>(text[index]);
    return byte >= min && byte <= max;
  };
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return 1;
  if (is(0, 0xC2, 0xDF)) return is(1, 0x80, 0xBF) ? 2 : 0;
  // Neither longer than need be, nor half of a surrogate pair, nor beyond U+10FFFF.
  const unsigned second_min = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned second_max = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (!is(0, 0xE0, 0xF4) || !is(1, second_min, second_max) || !is(2, 0x80, 0xBF)) return 0;
  if (first < 0xF0) return 3;
  return is(3, 0x80, 0xBF) ? 4 : 0;
}

}  // namespace

void append_json_text(std::string& json, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  json += '"';
  while (!text.empty()) {
    const size_t bytes = character_bytes(text);
    const char c = text.front();
    if (bytes != 1) {
      json += bytes == 0 ? replacement : text.substr(0, bytes);
    } else if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += "\\u00";
      json += hex[static_cast<unsigned char>(c) >> 4];
      json += hex[static_cast<unsigned char>(c) & 15];
    } else {
      json += c;
    }
    text.remove_prefix(std::max(bytes, size_t{1}));
  }
  json += '"';
}

void append_json_number(std::string& json, uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  json.append(digits.data(), end);
}

void append_json_number(std::string& json, float number) {
  if (!std::isfinite(number)) {
    json += "null";
    return;
  }
  std::array<char, float_digits_max> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  json.append(digits.data(), end);
}

void append_json_vector(std::string& json, std::span<const float> vector) {
  json += '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) json += ',';
    append_json_number(json, vector[i]);
  }
  json += ']';
}

void append_base64_vector(std::string& json, std::span<const float> vector) {
  json += '"';
  const size_t begin = json.size();
  json.resize(begin + (vector.size_bytes() + 2) / 3 * 4 + 1);  // and a zero at the end
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(json.data() + begin),
                                      reinterpret_cast<const unsigned char*>(vector.data()),
                                      static_cast<int>(vector.size_bytes()));
  json.resize(begin + static_cast<size_t>(written));
  json += '"';
}

}  // namespace hilo::http
