#include "tokenizer/tokenizer_json.h"

#include <array>
#include <charconv>
#include <limits>

#include "tokenizer/json_scanner.h"

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

// About; large vocabularies need no growing then.
constexpr size_t bytes_per_piece = 40;

// What is small becomes a document; the lists are walked over once.
class Reader {
 public:
  explicit Reader(std::string_view text) : scanner_(text) {
    result_.pieces.reserve(text.size() / bytes_per_piece);
  }

  std::optional<TokenizerJson> read() {
    result_.document = Json::object();
    const bool is_object = scanner_.take_object([this](const std::string& key) {
      if (key != "model" || scanner_.next() != '{') return put(result_.document, key);
      Json& model = result_.document[key] = Json::object();
      return scanner_.take_object([&](const std::string& part) { return read_model(model, part); });
    });
    if (!is_object || !scanner_.at_end()) return std::nullopt;
    return std::move(result_);
  }

 private:
  bool put(Json& parent, const std::string& key) {
    Json value = Json::parse(scanner_.take_value(), nullptr, false);
    if (value.is_discarded()) return false;
    parent[key] = std::move(value);
    return true;
  }

  bool read_model(Json& model, const std::string& key) {
    const char first = scanner_.next();
    if (first != '{' && first != '[') return put(model, key);
    if (key == "merges") {
      if (first == '[') return scanner_.take_array([this] { return read_merge(); });
      result_.are_merges_malformed = true;
      return !scanner_.take_value().empty();
    }
    if (key != "vocab") return put(model, key);
    result_.has_vocabulary = true;
    if (first == '[') return scanner_.take_array([this] { return read_scored_piece(); });
    return scanner_.take_object([this](std::string& piece) { return read_piece(piece); });
  }

  // "piece": id
  bool read_piece(std::string& piece) {
    const std::string_view value = scanner_.take_value();
    uint32_t id = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), id);
    if (value.empty()) return false;
    if (read.ec != std::errc() || read.ptr != value.data() + value.size()) {
      if (!result_.without_id) result_.without_id = piece;
    } else {
      result_.pieces.insert_or_assign(std::move(piece), id);
    }
    return true;
  }

  // ["piece", score]
  bool read_scored_piece() {
    if (scanner_.next() != '[') return malformed(result_.is_vocabulary_malformed);
    size_t parts = 0;
    const bool taken = scanner_.take_array([&] {
      ++parts;
      if (parts == 1 && scanner_.next() == '"') return scanner_.take_string(text_);
      const char first = scanner_.next();
      if (parts != 2 || (first != '-' && (first < '0' || first > '9'))) {
        return malformed(result_.is_vocabulary_malformed);
      }
      number_ = scanner_.take_number();
      return !number_.empty();
    });
    if (parts != 2) result_.is_vocabulary_malformed = true;
    if (!taken || result_.is_vocabulary_malformed) return taken;
    const auto id = static_cast<uint32_t>(result_.scores.size());
    result_.scores.push_back(number_of_reference(number_));
    if (!result_.pieces.emplace(text_, id) && !result_.twice) result_.twice = text_;
    return true;
  }

  // "left right", or ["left", "right"]
  bool read_merge() {
    if (scanner_.next() == '[') return read_merge_pair();
    if (scanner_.next() != '"') return malformed(result_.are_merges_malformed);
    if (!scanner_.take_string(text_)) return false;
    if (text_.starts_with("#version")) return true;
    const size_t space = text_.find(' ');
    if (space == std::string::npos || text_.find(' ', space + 1) != std::string::npos) {
      result_.are_merges_malformed = true;
    } else {
      result_.merges.emplace_back(text_.substr(0, space), text_.substr(space + 1));
    }
    return true;
  }

  bool read_merge_pair() {
    std::pair<std::string, std::string> merge;
    size_t parts = 0;
    const bool taken = scanner_.take_array([&] {
      ++parts;
      if (parts > 2 || scanner_.next() != '"') return malformed(result_.are_merges_malformed);
      return scanner_.take_string(parts == 1 ? merge.first : merge.second);
    });
    if (parts != 2) result_.are_merges_malformed = true;
    result_.merges.push_back(std::move(merge));
    return taken;
  }

  // Something else than it should be; it is passed over.
  bool malformed(bool& flag) {
    flag = true;
    return !scanner_.take_value().empty();
  }

  JsonScanner scanner_;
  TokenizerJson result_;
  std::string text_;
  std::string_view number_;
};

}  // namespace

std::optional<TokenizerJson> read_tokenizer_json(std::string_view text) {
  return Reader(text).read();
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
