// A tokenizer.json as it was read: what is small as a document, what may have 250,000 entries as
// lists. Nothing is checked here but that it is JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tokenizer/piece_list.h"

namespace hilo {

// NOLINTNEXTLINE(bugprone-exception-escape): nlohmann moves documents without throwing.
struct TokenizerJson {
  nlohmann::json document;  // without the lists below
  // model.vocab
  bool has_vocabulary = false;
  PieceList pieces;
  std::vector<double> scores;             // where the vocabulary is a list of pairs, by id
  std::optional<std::string> twice;       // a piece that such a list has twice
  std::optional<std::string> without_id;  // a piece whose id is no whole number
  bool is_vocabulary_malformed = false;
  // model.merges
  std::vector<std::pair<std::string, std::string>> merges;
  bool are_merges_malformed = false;
};

// Nothing if it is no JSON object.
std::optional<TokenizerJson> read_tokenizer_json(std::string_view text);

// A number as the reference's JSON library (serde_json) reads it: in rare cases the last bit is not
// that of the nearest double, and where two sums of scores are nearly equal it decides.
double number_of_reference(std::string_view decimal);

// The value of a member, or null where there is none.
inline const nlohmann::json& member(const nlohmann::json& object, const char* key) {
  static const nlohmann::json absent;
  if (!object.is_object()) return absent;
  const auto found = object.find(key);
  return found == object.end() ? absent : *found;
}

inline bool flag(const nlohmann::json& object, const char* key, bool otherwise) {
  const nlohmann::json& value = member(object, key);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

inline std::string text_of(const nlohmann::json& object, const char* key,
                           std::string_view otherwise = {}) {
  const nlohmann::json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

std::optional<uint32_t> as_id(const nlohmann::json& value);

}  // namespace hilo
