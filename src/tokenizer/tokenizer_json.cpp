#include "tokenizer/tokenizer_json.h"

#include <array>
#include <charconv>
#include <limits>

namespace hilo {

namespace {

using Json = nlohmann::json;

constexpr int exponent_max = 308;

const std::array<double, exponent_max + 1>& powers_of_ten() {
  static const std::array<double, exponent_max + 1> powers = [] {
    std::array<double, exponent_max + 1> made{};
    for (int exponent = 0; exponent <= exponent_max; ++exponent) {
      const std::string text = "1e" + std::to_string(exponent);
      std::from_chars(text.data(), text.data() + text.size(), made[static_cast<size_t>(exponent)]);
    }
    return made;
  }();
  return powers;
}

// Builds the document from the parser's events, and turns aside where a long list begins.
// NOLINTNEXTLINE(bugprone-exception-escape): as TokenizerJson, which it holds.
class Reader : public nlohmann::json_sax<Json> {
 public:
  TokenizerJson result;

  bool null() override { return value(nullptr); }
  bool boolean(bool v) override { return value(v); }
  bool number_integer(number_integer_t v) override {
    return list_ == List::none ? value(v) : number(static_cast<double>(v), std::nullopt);
  }
  bool number_unsigned(number_unsigned_t v) override {
    return list_ == List::none ? value(v) : number(static_cast<double>(v), v);
  }
  bool number_float(number_float_t v, const string_t& text) override {
    return list_ == List::none ? value(v) : number(number_of_reference(text), std::nullopt);
  }
  bool string(string_t& text) override {
    if (list_ == List::none) return value(std::move(text));
    return list_ == List::vocabulary ? piece(text) : merge_part(text);
  }
  bool binary(binary_t&) override { return false; }

  bool start_object(size_t) override { return start(Json::object()); }
  bool start_array(size_t) override { return start(Json::array()); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(string_t& text) override {
    key_ = std::move(text);
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  enum class List { none, vocabulary, merges };

  bool start(Json container) {
    if (list_ != List::none) {
      ++list_depth_;
      parts_ = 0;
      if (list_depth_ > 2) malformed();
      return true;
    }
    const bool in_model = open_.size() == 2 && open_.back() == model_;
    if (in_model && (key_ == "vocab" || key_ == "merges")) {
      list_ = key_ == "vocab" ? List::vocabulary : List::merges;
      result.has_vocabulary = result.has_vocabulary || list_ == List::vocabulary;
      is_object_ = container.is_object();
      list_depth_ = 1;
      if (list_ == List::merges && is_object_) malformed();
      return true;
    }
    Json* place = put(std::move(container));
    if (open_.size() == 1 && key_ == "model") model_ = place;
    open_.push_back(place);
    return true;
  }

  bool end() {
    if (list_ == List::none) {
      open_.pop_back();
      return true;
    }
    if (list_depth_ == 2 && parts_ != 2) malformed();
    if (--list_depth_ == 0) list_ = List::none;
    return true;
  }

  bool value(Json v) {
    if (list_ != List::none) {
      if (list_ == List::vocabulary && is_object_) {
        no_id(key_);
      } else {
        malformed();
      }
      return true;
    }
    put(std::move(v));
    return true;
  }

  Json* put(Json v) {
    if (open_.empty()) return &(result.document = std::move(v));
    Json& parent = *open_.back();
    if (parent.is_object()) return &(parent[key_] = std::move(v));
    parent.push_back(std::move(v));
    return &parent.back();
  }

  // Of the vocabulary: the piece of a pair, or the id of a key, or the score of a pair.
  bool piece(string_t& text) {
    if (is_object_) {
      no_id(key_);
      return true;
    }
    if (list_depth_ != 2 || parts_++ != 0) {
      malformed();
      return true;
    }
    const auto id = static_cast<uint32_t>(result.scores.size());
    if (!result.pieces.emplace(text, id) && !result.twice) result.twice = text;
    return true;
  }

  bool number(double v, std::optional<uint64_t> whole) {
    if (list_ == List::vocabulary && is_object_) {
      if (!whole || *whole > std::numeric_limits<uint32_t>::max()) {
        no_id(key_);
      } else {
        result.pieces.insert_or_assign(std::move(key_), static_cast<uint32_t>(*whole));
      }
    } else if (list_ == List::vocabulary && list_depth_ == 2 && parts_++ == 1) {
      result.scores.push_back(v);
    } else {
      malformed();
    }
    return true;
  }

  // A merge is written as "left right", or as a pair.
  bool merge_part(string_t& text) {
    if (list_depth_ == 2) {
      if (parts_ == 0) {
        result.merges.emplace_back(std::move(text), std::string());
      } else if (parts_ == 1) {
        result.merges.back().second = std::move(text);
      }
      ++parts_;
      return true;
    }
    if (text.starts_with("#version")) return true;
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
      malformed();
      return true;
    }
    result.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
    return true;
  }

  void no_id(const std::string& piece) {
    if (!result.without_id) result.without_id = piece;
  }
  void malformed() {
    (list_ == List::vocabulary ? result.is_vocabulary_malformed : result.are_merges_malformed) =
        true;
  }

  std::vector<Json*> open_;  // containers, from the document inwards
  const Json* model_ = nullptr;
  std::string key_;
  List list_ = List::none;
  bool is_object_ = false;
  size_t list_depth_ = 0;
  size_t parts_ = 0;  // of a pair, so far
};

}  // namespace

std::optional<TokenizerJson> read_tokenizer_json(std::string_view text) {
  Reader reader;
  if (!Json::sax_parse(text, &reader) || !reader.result.document.is_object()) return std::nullopt;
  return std::move(reader.result);
}

// All digits as one whole number, as far as 64 bits hold it, times or by a power of ten.
double number_of_reference(std::string_view decimal) {
  const bool negative = decimal.starts_with('-');
  if (negative) decimal.remove_prefix(1);
  uint64_t digits = 0;
  int64_t exponent = 0;
  bool after_point = false;
  bool full = false;
  size_t at = 0;
  for (; at < decimal.size() && decimal[at] != 'e' && decimal[at] != 'E'; ++at) {
    if (decimal[at] == '.') {
      after_point = true;
      continue;
    }
    const auto digit = static_cast<uint64_t>(decimal[at] - '0');
    full = full || digits > (std::numeric_limits<uint64_t>::max() - digit) / 10;
    if (!full) digits = digits * 10 + digit;
    if (full != after_point) exponent += full ? 1 : -1;
  }
  if (at < decimal.size()) {
    int64_t written = 0;
    const size_t sign = decimal[at + 1] == '+' ? 1 : 0;
    std::from_chars(decimal.data() + at + 1 + sign, decimal.data() + decimal.size(), written);
    exponent += written;
  }
  auto value = static_cast<double>(digits);
  for (; exponent < -exponent_max && value != 0; exponent += exponent_max) value /= 1e308;
  const auto& powers = powers_of_ten();
  if (value != 0 && exponent >= 0) {
    value *= exponent > exponent_max ? std::numeric_limits<double>::infinity()
                                     : powers[static_cast<size_t>(exponent)];
  } else if (value != 0) {
    value /= powers[static_cast<size_t>(-exponent)];
  }
  return negative ? -value : value;
}

std::optional<uint32_t> as_id(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto number = value.get<uint64_t>();
  if (number > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(number);
}

}  // namespace hilo
