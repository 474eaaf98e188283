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
          .pattern = std::string(text.substr(0, record.pattern_bytes)),
          .run_min = record.run_min,
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

size_t first_character_bytes(std::string_view text) {
  return text.empty() ? 0 : decode_first(text).bytes;
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

size_t append_nmt(NormalizedView view, std::string& normalized) {
  size_t from_first = 0;
  for (size_t at = 0; at < view.text.size();) {
    const DecodedCharacter decoded = decode_first(view.text.substr(at));
    if (nmt_is_space(decoded.code_point)) {
      normalized += ' ';
    } else if (!nmt_deletes(decoded.code_point)) {
      normalized += view.text.substr(at, decoded.bytes);
    }
    at += decoded.bytes;
    if (at <= view.from_first) from_first = normalized.size();
  }
  return from_first;
}

NormalizedView strip(const NormalizerStep& step, NormalizedView view) {
  std::string_view& text = view.text;
  while (step.left && !text.empty()) {
    const DecodedCharacter first = decode_first(text);
    if (!is_whitespace(first.code_point)) break;
    text.remove_prefix(first.bytes);
    view.from_first -= std::min<size_t>(view.from_first, first.bytes);
  }
  while (step.right && !text.empty()) {
    const DecodedCharacter last = decode_last(text);
    if (!is_whitespace(last.code_point)) break;
    text.remove_suffix(last.bytes);
  }
  return view;
}

struct Found {
  size_t begin;
  size_t end;
};

// The next place of the pattern, or of a run of it that is long enough.
std::optional<Found> find(const NormalizerStep& step, std::string_view text, size_t from) {
  for (size_t begin = text.find(step.pattern, from); begin != std::string_view::npos;
       begin = text.find(step.pattern, begin)) {
    size_t end = begin + step.pattern.size();
    if (step.run_min == 0) return Found{begin, end};
    uint32_t count = 1;
    while (text.substr(end).starts_with(step.pattern)) {
      end += step.pattern.size();
      ++count;
    }
    if (count >= step.run_min) return Found{begin, end};
    begin = end;
  }
  return std::nullopt;
}

size_t append_replaced(const NormalizerStep& step, NormalizedView view, std::string& normalized) {
  size_t copied = 0;
  size_t from_first = 0;
  const auto copy_up_to = [&](size_t end) {
    normalized += view.text.substr(copied, end - copied);
    if (copied < view.from_first) {
      from_first = normalized.size() - (end - std::min(end, view.from_first));
    }
    copied = end;
  };
  while (const std::optional<Found> found = find(step, view.text, copied)) {
    copy_up_to(found->begin);
    normalized += step.content;
    copied = found->end;
    // What is put in comes from the last character that was taken away.
    if (copied <= view.from_first) from_first = normalized.size();
  }
  copy_up_to(view.text.size());
  return from_first;
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
      return 1 + step.content.size() / step.pattern.size();
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

NormalizedView NormalizerSequence::normalize(std::string_view text,
                                             NormalizerScratch& scratch) const {
  NormalizedView view{text, first_character_bytes(text)};
  for (const NormalizerStep& step : steps_) {
    if (step.kind == NormalizerKind::strip) {
      view = strip(step, view);
      continue;
    }
    scratch.other.clear();
    const size_t from_first = run(step, view, scratch, scratch.other);
    std::swap(scratch.text, scratch.other);
    view = {scratch.text, view.from_first == 0 ? 0 : from_first};
  }
  return view;
}

size_t NormalizerSequence::run(const NormalizerStep& step, NormalizedView view,
                               NormalizerScratch& scratch, std::string& normalized) const {
  size_t from_first = view.from_first;
  switch (step.kind) {
    case NormalizerKind::nfc:
    case NormalizerKind::nfd:
    case NormalizerKind::nfkc:
    case NormalizerKind::nfkd:
      // The first characters by themselves show how much comes from them.
      normalize_to(form_of(step.kind), view.text.substr(0, view.from_first), scratch.form,
                   normalized);
      from_first = normalized.size();
      normalized.clear();
      normalize_to(form_of(step.kind), view.text, scratch.form, normalized);
      break;
    case NormalizerKind::nmt:
      return append_nmt(view, normalized);
    case NormalizerKind::lowercase:
      scratch.lowercase.reserve_for(view.text.size());
      lowercase_.normalize(view.text, scratch.lowercase);
      normalized += scratch.lowercase.view();
      break;
    case NormalizerKind::replace:
      return append_replaced(step, view, normalized);
    case NormalizerKind::prepend:
      if (view.text.empty()) return 0;
      normalized += step.content;
      normalized += view.text;
      return step.content.size() + view.from_first;
    case NormalizerKind::precompiled:
      return precompiled_->normalize(view.text, normalized);
    case NormalizerKind::strip:
      break;  // normalize() does it without a copy.
  }
  return std::max(from_first, first_character_bytes(normalized));
}

}  // namespace hilo
