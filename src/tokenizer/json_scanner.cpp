#include "tokenizer/json_scanner.h"

#include <algorithm>
#include <charconv>

#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

// Bytes of a string that stand for themselves.
bool is_plain(char byte) {
  return byte != '"' && byte != '\\' && static_cast<unsigned char>(byte) >= 0x20;
}

}  // namespace

bool JsonScanner::take_string(std::string& value) {
  if (!take('"')) return false;
  value.clear();
  while (true) {
    const size_t begin = at_;
    while (at_ < text_.size() && is_plain(text_[at_])) ++at_;
    value.append(text_, begin, at_ - begin);
    if (at_ == text_.size()) return false;
    const char byte = text_[at_++];
    if (byte == '"') return is_valid_utf8(value);
    if (byte != '\\' || !take_escape(value)) return false;
  }
}

bool JsonScanner::take_escape(std::string& value) {
  if (at_ == text_.size()) return false;
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  const char letter = text_[at_++];
  if (const size_t place = letters.find(letter); place != std::string_view::npos) {
    value += meanings[place];
    return true;
  }
  char32_t code = 0;
  if (letter != 'u' || !take_four_digits(code)) return false;
  if (code >= 0xD800 && code < 0xDC00) {
    char32_t low = 0;
    if (!text_.substr(at_).starts_with("\\u")) return false;
    at_ += 2;
    if (!take_four_digits(low) || low < 0xDC00 || low > 0xDFFF) return false;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  // One half of a pair by itself is no character.
  if (code >= 0xDC00 && code <= 0xDFFF) return false;
  value += encode_character(code).view();
  return true;
}

bool JsonScanner::take_four_digits(char32_t& code) {
  const std::string_view digits = text_.substr(at_, 4);
  uint32_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 4 || read.ptr != digits.data() + 4) return false;
  code = value;
  at_ += 4;
  return true;
}

size_t JsonScanner::skip_digits() {
  const size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  return at_ - begin;
}

std::string_view JsonScanner::take_number() {
  next();
  const size_t begin = at_;
  const auto skip = [this](std::string_view bytes) {
    const bool found = at_ < text_.size() && bytes.find(text_[at_]) != std::string_view::npos;
    at_ += found ? 1 : 0;
    return found;
  };
  skip("-");
  const bool has_zero = skip("0");
  if (!has_zero && skip_digits() == 0) return {};
  if (skip(".") && skip_digits() == 0) return {};
  if (skip("eE")) {
    skip("+-");
    if (skip_digits() == 0) return {};
  }
  return text_.substr(begin, at_ - begin);
}

std::string_view JsonScanner::take_value() {
  next();
  const size_t begin = at_;
  size_t depth = 0;
  do {
    if (at_ == text_.size()) return {};
    const char byte = text_[at_++];
    if (byte == '{' || byte == '[') {
      ++depth;
    } else if (byte == '}' || byte == ']') {
      if (depth == 0) return {};
      --depth;
    } else if (byte == '"') {
      while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
      if (at_ >= text_.size()) return {};
      ++at_;
    } else if (depth == 0) {
      // A number, true, false or null.
      at_ = std::min(text_.find_first_of(",]} \n\r\t", at_), text_.size());
    }
  } while (depth > 0);
  return text_.substr(begin, at_ - begin);
}

}  // namespace hilo
