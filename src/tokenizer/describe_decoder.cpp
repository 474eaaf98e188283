// The decoders of tokenizer.json.
#include <utility>

#include "tokenizer/describe_steps.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

using Json = nlohmann::json;

bool is_character(std::string_view text) {
  return !text.empty() && decode_first(text).bytes == text.size();
}

Status append_strip(const Json& decoder, std::vector<DecoderStep>& steps) {
  const std::optional<uint32_t> start = as_id(member(decoder, "start"));
  const std::optional<uint32_t> stop = as_id(member(decoder, "stop"));
  DecoderStep strip{.kind = DecoderKind::strip};
  strip.content = text_of(decoder, "content");
  if (!is_character(strip.content) || !start || !stop) {
    return refused("its decoder Strip has no character as content, or no start or stop");
  }
  strip.start = *start;
  strip.stop = *stop;
  steps.push_back(std::move(strip));
  return {};
}

Status append_metaspace(const Json& decoder, std::vector<DecoderStep>& steps) {
  DecoderStep metaspace{.kind = DecoderKind::metaspace};
  metaspace.content = text_of(decoder, "replacement");
  if (!is_character(metaspace.content)) {
    return refused("the replacement of its decoder Metaspace is no character");
  }
  metaspace.flag = text_of(decoder, "prepend_scheme", "always") == "never" ||
                   !flag(decoder, "add_prefix_space", true);
  steps.push_back(std::move(metaspace));
  return {};
}

Status append_replace(const Json& decoder, std::vector<DecoderStep>& steps) {
  const Result<TextPattern> pattern = describe_pattern(decoder);
  if (!pattern) return pattern.error();
  DecoderStep replace{.kind = DecoderKind::replace};
  replace.pattern = *pattern;
  replace.content = text_of(decoder, "content");
  steps.push_back(std::move(replace));
  return {};
}

Status append_word_piece(const Json& decoder, std::vector<DecoderStep>& steps) {
  DecoderStep word_piece{.kind = DecoderKind::word_piece};
  word_piece.pattern.text = text_of(decoder, "prefix", "##");
  word_piece.flag = flag(decoder, "cleanup", true);
  steps.push_back(std::move(word_piece));
  return {};
}

}  // namespace

Status describe_decoder(const Json& decoder, std::vector<DecoderStep>& steps) {
  if (decoder.is_null()) return {};
  const std::string type = text_of(decoder, "type");
  if (type == "Sequence") {
    for (const Json& step : member(decoder, "decoders")) {
      if (text_of(step, "type") == type) return refused("its decoder is a Sequence in another");
      Status status = describe_decoder(step, steps);
      if (!status) return status;
    }
    return {};
  }
  if (type == "WordPiece") return append_word_piece(decoder, steps);
  if (type == "Strip") return append_strip(decoder, steps);
  if (type == "Metaspace") return append_metaspace(decoder, steps);
  if (type == "Replace") return append_replace(decoder, steps);
  if (type == "ByteLevel") {
    steps.push_back({.kind = DecoderKind::byte_level});
  } else if (type == "ByteFallback") {
    steps.push_back({.kind = DecoderKind::byte_fallback});
  } else if (type == "Fuse") {
    steps.push_back({.kind = DecoderKind::fuse});
  } else {
    return refused(
        "its decoder is of type \"{}\"; WordPiece, ByteLevel, Metaspace, ByteFallback, Replace, "
        "Strip, Fuse and Sequence are supported",
        type);
  }
  return {};
}

}  // namespace hilo
