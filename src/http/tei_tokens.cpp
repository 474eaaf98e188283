#include "http/tei_tokens.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "http/json_inputs.h"
#include "http/json_writer.h"
#include "http/tei_fields.h"
#include "http/text_tokenizer.h"

namespace hilo::http {
namespace {

constexpr size_t json_token_bytes = 64;

Problem without_tokenizer() {
  return {.kind = ProblemKind::unknown_tokens,
          .message =
              "This server has no tokenizer: it was started without a model or without "
              "--tokenizer."};
}

Outcome<TextList> read_tokenize_inputs(const JsonField& inputs, const Limits& limits) {
  if (auto there = require(inputs); !there) return there.error();
  TextList texts;
  if (inputs.value->is_string()) {
    const auto text = read_text(inputs);
    if (!text) return text.error();
    texts.add(*text);
  } else if (auto read = read_texts(inputs, limits, texts); !read) {
    return read.error();
  }
  if (texts.items() <= tokenize_bytes_max) return texts;
  return wrong_field(
      inputs.name, fmt::format("'{}' has {} bytes of texts; there may be {} at most.", inputs.name,
                               texts.items(), tokenize_bytes_max));
}

// What the prompt puts before each text. Its name was checked.
std::string_view prompt_text(const std::string& name, const EngineAbout& about) {
  const auto place = std::ranges::find(about.prompts, name) - about.prompts.begin();
  const auto index = static_cast<size_t>(place);
  return index < about.prompt_texts.size() ? std::string_view{about.prompt_texts[index]} : "";
}

void append_token(std::string& json, const TextToken& token, std::string_view text) {
  const auto [begin, end] = token.offsets;
  const std::string_view part = token.special ? token.piece : text.substr(begin, end - begin);
  json += R"({"id":)";
  append_json_number(json, uint64_t{token.id});
  json += R"(,"text":)";
  // A token may be a part of a character.
  append_json_text(json, is_valid_utf8(part) ? part : "\xef\xbf\xbd");
  json += token.special ? R"(,"special":true)" : R"(,"special":false)";
  if (token.special) {
    json += R"(,"start":null,"stop":null})";
  } else {
    json += R"(,"start":)";
    append_json_number(json, uint64_t{begin});
    json += R"(,"stop":)";
    append_json_number(json, uint64_t{end});
    json += '}';
  }
}

void append_tokens(std::string& json, const std::vector<TextToken>& tokens, std::string_view text) {
  json.reserve(json.size() + tokens.size() * json_token_bytes);
  json += '[';
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) json += ',';
    append_token(json, tokens[i], text);
  }
  json += ']';
}

}  // namespace

Answer tei_tokenize(const Request& request, const Context& context) {
  if (context.tokenizer == nullptr) return without_tokenizer();
  std::array<JsonField, 3> fields{{{"inputs"}, {"add_special_tokens"}, {"prompt_name"}}};
  const auto& [inputs, add_special_tokens, prompt_name] = fields;
  if (auto read = read_object(request.body, fields); !read) return read.error();
  const auto texts = read_tokenize_inputs(inputs, context.limits);
  if (!texts) return texts.error();
  const auto special = optional_flag(add_special_tokens);
  if (!special) return special.error();
  std::string_view before;
  if (prompt_name.value) {
    if (context.about == nullptr)
      return Problem{.kind = ProblemKind::unavailable, .message = std::string{context.absence}};
    const auto name = read_prompt_name(prompt_name, context);
    if (!name) return name.error();
    before = prompt_text(*name, *context.about);
  }
  Response response;
  for (size_t i = 0; i < texts->size(); ++i) {
    response.body += i == 0 ? '[' : ',';
    const std::string text = std::string{before} + std::string{(*texts)[i]};
    append_tokens(response.body, context.tokenizer->tokens_of(text, special->value_or(true)), text);
  }
  response.body += ']';
  return response;
}

Answer tei_decode(const Request& request, const Context& context) {
  if (context.tokenizer == nullptr) return without_tokenizer();
  std::array<JsonField, 2> fields{{{"ids"}, {"skip_special_tokens"}}};
  const auto& [ids, skip_special_tokens] = fields;
  if (auto read = read_object(request.body, fields); !read) return read.error();
  const auto lists = read_token_lists(ids, context.limits, decode_ids_max);
  if (!lists) return lists.error();
  const auto skip = optional_flag(skip_special_tokens);
  if (!skip) return skip.error();
  Response response;
  for (size_t i = 0; i < lists->size(); ++i) {
    response.body += i == 0 ? '[' : ',';
    append_json_text(response.body, context.tokenizer->decode((*lists)[i], skip->value_or(true)));
  }
  response.body += ']';
  return response;
}

}  // namespace hilo::http
