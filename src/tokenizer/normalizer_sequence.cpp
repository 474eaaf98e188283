#include "tokenizer/normalizer_sequence.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tokenizer/utf8.h"

namespace hilo {

namespace {

// A text may grow to no more than this many times its bytes, whatever the file says.
constexpr size_t growth_max = 1U << 14;

NormalizerStep step_of(const NormalizerStepRecord& record, std::span<const char> texts) {
  const std::string_view text =
      std::string_view(texts.data(), texts.size())
          .substr(record.text_begin, size_t{record.pattern_bytes} + record.content_bytes);
  return {.kind = static_cast<NormalizerKind>(record.kind),
          .left = (record.strip & 1) != 0,
          .right = (record.strip & 2) != 0,
          .pattern = {std::string(text.substr(0, record.pattern_bytes)), record.run_min},
          .content = std::string(text.substr(record.pattern_bytes))};
}

NormalForm form_of(NormalizerKind kind) {
  switch (kind) {
    case NormalizerKind::nfc:
      return NormalForm::nfc;
    case NormalizerKind::nfd:
      return NormalForm::nfd;
    case NormalizerKind::nfkc:
      return NormalForm::nfkc;
    default:
      return NormalForm::nfkd;
  }
}

// SentencePiece's cleaning: control characters go, whitespace of all kinds becomes a space.
bool nmt_deletes(char32_t c) {
  return (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
         c == 0x9F;
}
bool nmt_is_space(char32_t c) {
  return c == 0x9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
         (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF ||
         c == 0xFFFD;
}

void append_nmt(std::string_view text, Rewriter& normalized) {
  while (!text.empty()) {
    const DecodedCharacter decoded = decode_first(text);
    const std::string_view character = text.substr(0, decoded.bytes);
    if (nmt_is_space(decoded.code_point)) {
      normalized.put(" ", 0);
    } else if (nmt_deletes(decoded.code_point)) {
      normalized.remove(character);
    } else {
      normalized.keep(character);
    }
    text.remove_prefix(decoded.bytes);
  }
}

void append_lowercase(const Normalizer& lowercase, std::string_view text, NormalizedText& lower,
                      Rewriter& normalized) {
  size_t kept = 0;
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter decoded = decode_first(text.substr(at));
    const CharacterRule rule = lowercase.rule_of(decoded.code_point);
    if (rule.fold != CharacterRule::stays) {
      lower.reserve(0);
      lower.append(rule, decoded.code_point);
      normalized.keep(text.substr(kept, at - kept));
      normalized.rewrite(text.substr(at, decoded.bytes), lower.view());
      kept = at + decoded.bytes;
    }
    at += decoded.bytes;
  }
  normalized.keep(text.substr(kept));
}

AlignedView strip(const NormalizerStep& step, AlignedView source) {
  while (step.left && !source.text.empty()) {
    const DecodedCharacter first = decode_first(source.text);
    if (!is_whitespace(first.code_point)) break;
    source = source.part(first.bytes);
  }
  while (step.right && !source.text.empty()) {
    const DecodedCharacter last = decode_last(source.text);
    if (!is_whitespace(last.code_point)) break;
    source.text.remove_suffix(last.bytes);
  }
  return source;
}

void append_replaced(const NormalizerStep& step, std::string_view text, Rewriter& normalized) {
  size_t copied = 0;
  while (const std::optional<TextPattern::Match> match = step.pattern.find(text, copied)) {
    normalized.keep(text.substr(copied, match->begin - copied));
    normalized.remove(text.substr(match->begin, match->end - match->begin));
    normalized.insert(step.content);
    copied = match->end;
  }
  normalized.keep(text.substr(copied));
}

size_t growth_of(const NormalizerStep& step, const std::optional<Precompiled>& precompiled) {
  switch (step.kind) {
    case NormalizerKind::nfc:
    case NormalizerKind::nfd:
    case NormalizerKind::nfkc:
    case NormalizerKind::nfkd:
      return normal_form_growth_max;
    case NormalizerKind::lowercase:
      return normalized_growth_max;
    case NormalizerKind::replace:
      return 1 + step.content.size() / step.pattern.text.size();
    case NormalizerKind::precompiled:
      return std::max<size_t>(precompiled->growth_max(), 1);
    default:
      return 1;
  }
}

}  // namespace

Result<NormalizerSequence> NormalizerSequence::open(const FamilyParts& parts) {
  NormalizerSequence sequence;
  for (const NormalizerStepRecord& record : parts.steps) {
    sequence.steps_.push_back(step_of(record, parts.step_text));
  }
  const bool uses_map = std::any_of(
      sequence.steps_.begin(), sequence.steps_.end(),
      [](const NormalizerStep& step) { return step.kind == NormalizerKind::precompiled; });
  if (uses_map) {
    Result<Precompiled> map = Precompiled::open(parts.charsmap);
    if (!map) return map.error();
    sequence.precompiled_ = std::move(map).value();
  }
  const Status bounded = sequence.check_growth();
  if (!bounded) return bounded.error();
  return sequence;
}

Status NormalizerSequence::check_growth() const {
  size_t growth = 1;
  for (const NormalizerStep& step : steps_) {
    growth *= growth_of(step, precompiled_);
    if (growth > growth_max) {
      return Error{
          fmt::format("its normalizer may make a text more than {} times as long", growth_max)};
    }
  }
  return {};
}

AlignedView NormalizerSequence::normalize(AlignedView text, NormalizerScratch& scratch) const {
  for (const NormalizerStep& step : steps_) {
    if (step.kind == NormalizerKind::strip) {
      text = strip(step, text);
      continue;
    }
    Rewriter normalized(text, scratch.other);
    run(step, text.text, scratch, normalized);
    std::swap(scratch.text, scratch.other);
    text = scratch.text.view();
  }
  return text;
}

void NormalizerSequence::run(const NormalizerStep& step, std::string_view text,
                             NormalizerScratch& scratch, Rewriter& normalized) const {
  switch (step.kind) {
    case NormalizerKind::nfc:
    case NormalizerKind::nfd:
    case NormalizerKind::nfkc:
    case NormalizerKind::nfkd:
      return normalize_to(form_of(step.kind), text, scratch.form, normalized);
    case NormalizerKind::nmt:
      return append_nmt(text, normalized);
    case NormalizerKind::lowercase:
      return append_lowercase(lowercase_, text, scratch.lowercase, normalized);
    case NormalizerKind::replace:
      return append_replaced(step, text, normalized);
    case NormalizerKind::prepend:
      if (!text.empty()) normalized.keep(text.substr(normalized.prepend(step.content)));
      return;
    case NormalizerKind::precompiled:
      return precompiled_->normalize(text, normalized);
    case NormalizerKind::strip:
      break;  // normalize() does it without a copy.
  }
}

}  // namespace hilo
