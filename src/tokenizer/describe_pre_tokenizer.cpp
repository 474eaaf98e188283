// The pre-tokenizers of tokenizer.json.
#include <optional>
#include <vector>

#include "tokenizer/describe_steps.h"
#include "tokenizer/pretokenizer_regex.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

using Json = nlohmann::json;

std::vector<const Json*> steps_of(const Json& pre_tokenizer) {
  std::vector<const Json*> steps;
  if (text_of(pre_tokenizer, "type") == "Sequence") {
    for (const Json& step : member(pre_tokenizer, "pretokenizers")) steps.push_back(&step);
  } else if (!pre_tokenizer.is_null()) {
    steps.push_back(&pre_tokenizer);
  }
  return steps;
}

Status read_metaspace(const Json& step, PreTokenizerOptions& options) {
  options.metaspace = true;
  options.split = flag(step, "split", true);
  const std::string scheme = text_of(step, "prepend_scheme", "always");
  if (scheme == "always") {
    options.prepend = PrependScheme::always;
  } else if (scheme == "first") {
    options.prepend = PrependScheme::first;
  } else if (scheme == "never") {
    options.prepend = PrependScheme::never;
  } else {
    return refused("its Metaspace has the prepend_scheme \"{}\"", scheme);
  }
  if (!flag(step, "add_prefix_space", true) && options.prepend != PrependScheme::never) {
    return refused("its Metaspace has add_prefix_space false and prepend_scheme \"{}\"", scheme);
  }
  const std::string replacement = text_of(step, "replacement");
  const bool is_character =
      !replacement.empty() && decode_first(replacement).bytes == replacement.size();
  if (!is_character) return refused("the replacement of its Metaspace is no character");
  options.replacement = decode_first(replacement).code_point;
  return {};
}

// [WhitespaceSplit] [Metaspace]
Status describe_for_unigram(const std::vector<const Json*>& steps, PreTokenizerOptions& options) {
  for (const Json* step : steps) {
    const std::string type = text_of(*step, "type");
    if (type == "Metaspace" && !options.metaspace) {
      Status status = read_metaspace(*step, options);
      if (!status) return status;
    } else if (type == "WhitespaceSplit" && !options.metaspace) {
      options.whitespace_split = true;
    } else {
      return refused(
          "its pre-tokenizer has the step \"{}\"; WhitespaceSplit and then Metaspace are "
          "supported with Unigram",
          type);
    }
  }
  return {};
}

Status read_split(const Json& step, PreTokenizerOptions& options) {
  const std::string expression = text_of(member(step, "pattern"), "Regex");
  const std::optional<SplitPattern> pattern = split_pattern_of(expression);
  if (!pattern) {
    return refused(
        "its pre-tokenizer splits by the regular expression \"{}\"; those of GPT-2, Qwen2 and "
        "Llama 3 are supported",
        expression);
  }
  if (text_of(step, "behavior") != "Isolated" || flag(step, "invert", false)) {
    return refused("its pre-tokenizer Split has the behavior \"{}\"; Isolated is supported",
                   text_of(step, "behavior"));
  }
  options.pattern = *pattern;
  return {};
}

// ByteLevel, or Split and then a ByteLevel that splits no more.
Status describe_for_bpe(const std::vector<const Json*>& steps, PreTokenizerOptions& options) {
  bool has_byte_level = false;
  for (const Json* step : steps) {
    const std::string type = text_of(*step, "type");
    const bool after_split = options.pattern != SplitPattern::none;
    if (type == "Split" && !after_split && !has_byte_level) {
      Status status = read_split(*step, options);
      if (!status) return status;
      continue;
    }
    if (type != "ByteLevel" || has_byte_level) {
      return refused(
          "its pre-tokenizer has the step \"{}\"; ByteLevel, or Split and then ByteLevel, are "
          "supported with BPE",
          type);
    }
    has_byte_level = true;
    options.add_prefix_space = flag(*step, "add_prefix_space", true);
    const bool splits = flag(*step, "use_regex", true);
    if (after_split && (splits || options.add_prefix_space)) {
      return refused(
          "its ByteLevel after a Split has use_regex or add_prefix_space; neither is supported");
    }
    if (splits) options.pattern = SplitPattern::gpt2;
  }
  return has_byte_level
             ? Status{}
             : refused("its BPE has no pre-tokenizer ByteLevel; others are not supported");
}

}  // namespace

Status describe_pre_tokenizer(const Json& pre_tokenizer, TokenizerFamily family,
                              PreTokenizerOptions& options) {
  const std::vector<const Json*> steps = steps_of(pre_tokenizer);
  return family == TokenizerFamily::unigram ? describe_for_unigram(steps, options)
                                            : describe_for_bpe(steps, options);
}

}  // namespace hilo
