// The post-processors of tokenizer.json: what stands round a text.
#include <optional>

#include "tokenizer/describe_steps.h"
#include "tokenizer/tokenizer_json.h"

namespace hilo {

namespace {

using Json = nlohmann::json;

// Written as ["[CLS]", 101].
std::optional<uint32_t> processing_id(const Json& processor, const char* key) {
  const Json& token = member(processor, key);
  return token.is_array() && token.size() == 2 ? as_id(token[1]) : std::nullopt;
}

Status read_template(const Json& processor, const char* key, std::vector<TemplateItem>& items) {
  items.clear();
  for (const Json& item : member(processor, key)) {
    const Json& sequence = member(item, "Sequence");
    const Json& special = member(item, "SpecialToken");
    const uint32_t type =
        as_id(member(sequence.is_null() ? special : sequence, "type_id")).value_or(0);
    if (!sequence.is_null()) {
      const bool is_first = text_of(sequence, "id") == "A";
      items.push_back({is_first ? TemplateItem::first_text : TemplateItem::second_text, type});
      continue;
    }
    const std::string content = text_of(special, "id");
    const Json& ids = member(member(member(processor, "special_tokens"), content.c_str()), "ids");
    if (!ids.is_array()) return refused("its template uses {}, which it does not define", content);
    for (const Json& value : ids) {
      const std::optional<uint32_t> id = as_id(value);
      if (!id) return refused("the template token {} has an id that is no whole number", content);
      items.push_back({*id, type});
    }
  }
  return {};
}

// Absent, both are true.
OffsetTrimming trimming_of(const Json& processor) {
  return {.trims = flag(processor, "trim_offsets", true),
          .keeps_prefix = flag(processor, "add_prefix_space", true)};
}

// A Sequence of steps of which one adds tokens; ByteLevel only moves offsets.
Status read_sequence(const Json& processor, TokenizerDescription& description) {
  bool has_template = false;
  for (const Json& step : member(processor, "processors")) {
    const std::string type = text_of(step, "type");
    if (type == "ByteLevel") {
      description.trimming = trimming_of(step);
      continue;
    }
    if (type == "Sequence" || has_template) {
      return refused("its post_processor is a Sequence of several steps that add tokens");
    }
    has_template = true;
    Status status = describe_post_processor(step, description);
    if (!status) return status;
  }
  return {};
}

}  // namespace

Status describe_post_processor(const Json& processor, TokenizerDescription& description) {
  const std::string type = text_of(processor, "type");
  if (processor.is_null()) return {};
  if (type == "ByteLevel") {
    description.trimming = trimming_of(processor);
    return {};
  }
  if (type == "Sequence") return read_sequence(processor, description);
  if (type == "TemplateProcessing") {
    const Status single = read_template(processor, "single", description.single);
    return single ? read_template(processor, "pair", description.pair) : single;
  }
  if (type != "BertProcessing" && type != "RobertaProcessing") {
    return refused(
        "its post_processor is of type \"{}\"; TemplateProcessing, BertProcessing, "
        "RobertaProcessing and ByteLevel are supported",
        type);
  }
  const std::optional<uint32_t> cls = processing_id(processor, "cls");
  const std::optional<uint32_t> sep = processing_id(processor, "sep");
  if (!cls || !sep) return refused("its post_processor names no cls or no sep token");
  if (type == "RobertaProcessing") {
    description.trimming = trimming_of(processor);
    description.use_roberta_template(*cls, *sep);
  } else {
    description.use_bert_template(*cls, *sep);
  }
  return {};
}

}  // namespace hilo
