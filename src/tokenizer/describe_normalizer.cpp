// The normalizers of tokenizer.json.
#include <array>
#include <optional>
#include <utility>

#include "tokenizer/describe_steps.h"
#include "tokenizer/tokenizer_json.h"

namespace hilo {

namespace {

using Json = nlohmann::json;

struct NamedKind {
  std::string_view name;
  NormalizerKind kind;
};
// Those without settings.
constexpr std::array<NamedKind, 6> plain_kinds = {{{"NFC", NormalizerKind::nfc},
                                                   {"NFD", NormalizerKind::nfd},
                                                   {"NFKC", NormalizerKind::nfkc},
                                                   {"NFKD", NormalizerKind::nfkd},
                                                   {"Nmt", NormalizerKind::nmt},
                                                   {"Lowercase", NormalizerKind::lowercase}}};

int value_of_base64(char character) {
  if (character >= 'A' && character <= 'Z') return character - 'A';
  if (character >= 'a' && character <= 'z') return character - 'a' + 26;
  if (character >= '0' && character <= '9') return character - '0' + 52;
  if (character == '+') return 62;
  return character == '/' ? 63 : -1;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (const char character : text) {
    const int value = value_of_base64(character);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return bytes;
}

// A regular expression that means a run of one character, such as " {2,}".
std::optional<TextPattern> run_of(const std::string& expression) {
  constexpr std::string_view meaningful = "\\^$.|?*+()[]{}";
  if (expression.size() != 5 || !expression.ends_with(",}") || expression[1] != '{' ||
      expression[2] < '1' || expression[2] > '9' ||
      meaningful.find(expression[0]) != std::string_view::npos ||
      static_cast<unsigned char>(expression[0]) >= 0x80) {
    return std::nullopt;
  }
  return TextPattern{expression.substr(0, 1), static_cast<uint32_t>(expression[2] - '0')};
}

Status append_replace(const Json& step, FamilyDescription& family) {
  const Result<TextPattern> pattern = describe_pattern(step);
  if (!pattern) return pattern.error();
  NormalizerStep replace{.kind = NormalizerKind::replace};
  replace.pattern = *pattern;
  replace.content = text_of(step, "content");
  family.steps.push_back(std::move(replace));
  return {};
}

Status append_precompiled(const Json& step, FamilyDescription& family) {
  if (!family.charsmap.empty()) return refused("its normalizer has two steps of Precompiled");
  std::optional<std::string> charsmap = decode_base64(text_of(step, "precompiled_charsmap"));
  if (!charsmap || charsmap->empty()) {
    return refused("its precompiled_charsmap is not written in base64");
  }
  family.charsmap = std::move(*charsmap);
  family.steps.push_back({.kind = NormalizerKind::precompiled});
  return {};
}

}  // namespace

Result<TextPattern> describe_pattern(const Json& replace) {
  const Json& pattern = member(replace, "pattern");
  const std::string text = text_of(pattern, "String");
  if (!text.empty()) return TextPattern{text};
  const std::string expression = text_of(pattern, "Regex");
  if (const std::optional<TextPattern> run = run_of(expression)) return *run;
  return refused(
      "its Replace has the regular expression \"{}\"; texts and runs of one character, such as "
      "\" {{2,}}\", are supported",
      expression);
}

Status describe_normalizer(const Json& normalizer, FamilyDescription& family) {
  if (normalizer.is_null()) return {};
  const std::string type = text_of(normalizer, "type");
  for (const auto& [name, kind] : plain_kinds) {
    if (type != name) continue;
    family.steps.push_back({.kind = kind});
    return {};
  }
  if (type == "Sequence") {
    for (const Json& step : member(normalizer, "normalizers")) {
      if (text_of(step, "type") == type) return refused("its normalizer is a Sequence in another");
      Status status = describe_normalizer(step, family);
      if (!status) return status;
    }
    return {};
  }
  if (type == "Replace") return append_replace(normalizer, family);
  if (type == "Precompiled") return append_precompiled(normalizer, family);
  if (type == "Strip") {
    family.steps.push_back({.kind = NormalizerKind::strip,
                            .left = flag(normalizer, "strip_left", false),
                            .right = flag(normalizer, "strip_right", false)});
    return {};
  }
  if (type == "Prepend") {
    NormalizerStep prepend{.kind = NormalizerKind::prepend};
    prepend.content = text_of(normalizer, "prepend");
    family.steps.push_back(std::move(prepend));
    return {};
  }
  return refused(
      "its normalizer is of type \"{}\"; Precompiled, Replace, Strip, Prepend, Lowercase, Nmt, "
      "NFC, NFD, NFKC and NFKD are supported with Unigram and BPE",
      type);
}

Status describe_bert_steps(const Json& normalizer, const Json& pre_tokenizer,
                           NormalizerOptions& options) {
  if (!normalizer.is_null()) {
    const std::string type = text_of(normalizer, "type");
    if (type != "BertNormalizer") {
      return refused("its normalizer is of type \"{}\"; BertNormalizer is supported with WordPiece",
                     type);
    }
    options.clean_text = flag(normalizer, "clean_text", true);
    options.handle_chinese_chars = flag(normalizer, "handle_chinese_chars", true);
    options.lowercase = flag(normalizer, "lowercase", true);
    options.strip_accents = flag(normalizer, "strip_accents", options.lowercase);
  }
  const std::string type = text_of(pre_tokenizer, "type");
  if (type == "BertPreTokenizer") return {};
  return refused(
      "its pre-tokenizer is of type \"{}\"; BertPreTokenizer is supported with WordPiece", type);
}

}  // namespace hilo
