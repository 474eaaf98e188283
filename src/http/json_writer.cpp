#include "http/json_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <dragonbox/dragonbox.h>
#include <openssl/evp.h>

#include "tokenizer/utf8.h"

namespace hilo::http {
namespace {

static_assert(std::endian::native == std::endian::little);
constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

constexpr int fraction_digits = 12;  // 0.001 has three, and nine behind them tell any float
constexpr auto powers_of_ten = [] {
  std::array<uint64_t, fraction_digits + 1> powers{1};
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();
constexpr auto digit_pairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < pairs.size(); ++i)
    pairs[i] = static_cast<char>('0' + (i % 2 == 0 ? i / 20 : i / 2 % 10));
  return pairs;
}();

void write_four_digits(char* to, uint64_t number) {
  std::memcpy(to, &digit_pairs[number / 100 * 2], 2);
  std::memcpy(to + 2, &digit_pairs[number % 100 * 2], 2);
}

// Writes a number of 0.001 up to 1, which are nearly all numbers of vectors, and returns its end:
// the characters of std::to_chars in half its time. No branch depends on the digits, which are
// written behind the point in full; where they end is where the next number begins.
char* write_fraction(char* to, float number) {
  const auto decimal = jkj::dragonbox::to_decimal(number);
  *to = '-';
  to += decimal.is_negative ? 1 : 0;
  *to++ = '0';
  *to++ = '.';
  const int missing = fraction_digits + decimal.exponent;
  const uint64_t digits = decimal.significand * powers_of_ten[static_cast<size_t>(missing)];
  write_four_digits(to, digits / 100'000'000);
  write_four_digits(to + 4, digits / 10'000 % 10'000);
  write_four_digits(to + 8, digits % 10'000);
  return to - decimal.exponent;
}

// Writes at most json_float_bytes, whatever is there behind the end that is returned.
char* write_number(char* to, float number) {
  const float size = std::abs(number);
  if (size >= 0.001F && size < 1) return write_fraction(to, number);
  if (std::isfinite(number)) return std::to_chars(to, to + json_float_bytes, number).ptr;
  return std::ranges::copy(std::string_view{"null"}, to).out;
}

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
  std::array<char, json_float_bytes> digits;
  json.append(digits.data(), write_number(digits.data(), number));
}

void append_json_vector(std::string& json, std::span<const float> vector) {
  const size_t begin = json.size();
  json.resize(begin + 2 + vector.size() * json_float_bytes);
  char* to = json.data() + begin;
  *to++ = '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) *to++ = ',';
    to = write_number(to, vector[i]);
  }
  *to++ = ']';
  json.resize(static_cast<size_t>(to - json.data()));
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
