// Walks over a JSON text once, without building anything: for lists of 250,000 entries, where a
// document costs more than all that is done with it. Each function takes what comes next, and
// returns false or nothing where it is something else; then the text is of no more use.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hilo {

class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  // The first byte of what comes next; 0 at the end.
  char next() {
    while (at_ < text_.size() && is_whitespace(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char byte) {
    if (next() != byte || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool at_end() {
    next();
    return at_ == text_.size();
  }
  bool take_string(std::string& value);
  // The number as it is written.
  std::string_view take_number();
  // Any value as it is written. What is between brackets is not checked.
  std::string_view take_value();

  // Calls `take_member` with each key, which it may move away; it takes the value and says whether
  // it could.
  template <class TakeMember>
  bool take_object(const TakeMember& take_member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    std::string key;
    do {
      if (!take_string(key) || !take(':') || !take_member(key)) return false;
    } while (take(','));
    return take('}');
  }
  template <class TakeItem>
  bool take_array(const TakeItem& take_item) {
    if (!take('[')) return false;
    if (take(']')) return true;
    do {
      if (!take_item()) return false;
    } while (take(','));
    return take(']');
  }

 private:
  static bool is_whitespace(char byte) {
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
  }
  bool take_escape(std::string& value);
  bool take_four_digits(char32_t& code);
  size_t skip_digits();

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace hilo
