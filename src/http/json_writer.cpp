#include "http/json_writer.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <openssl/evp.h>

#include "tokenizer/utf8.h"

namespace hilo::http {
namespace {

constexpr size_t float_digits_max = 16;  // "-1.17549435e-38" has 15
static_assert(std::endian::native == std::endian::little);
constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

void append_json_text(std::string& json, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  json += '"';
  while (!text.empty()) {
    const DecodedCharacter character = decode_first(text);
    const size_t bytes = character.valid ? character.bytes : 1;  // Each wrong byte by itself.
    const char c = text.front();
    if (!character.valid || bytes > 1) {
      json += character.valid ? text.substr(0, bytes) : replacement;
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
    text.remove_prefix(bytes);
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
