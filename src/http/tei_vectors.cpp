#include "http/tei_vectors.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "http/json_inputs.h"
#include "http/json_writer.h"
#include "http/model_kind.h"
#include "http/tei_fields.h"
#include "http/tei_scores.h"
#include "http/vector_math.h"

namespace hilo::http {
namespace {

// How vectors are written that the engine gives.
struct VectorForm {
  size_t dims = 0;  // 0: all
  bool normalize = false;
};

Response write_vectors(const Vectors& vectors, const VectorForm& form, const TeiCost& cost) {
  const size_t dims = form.dims == 0 ? vectors.dims : std::min(form.dims, vectors.dims);
  std::string json;
  json.reserve(vectors.size() * (dims * json_float_bytes + 2) + 2);
  std::vector<float> room;
  for (size_t i = 0; i < vectors.size(); ++i) {
    json += i == 0 ? '[' : ',';
    std::span<const float> vector = vectors[i].first(dims);
    if (form.normalize) vector = shorten(vector, dims, room);
    append_json_vector(json, vector);
  }
  json += ']';
  Response response{.body = std::move(json)};
  add_cost_headers(response, cost, vectors);
  return response;
}

void write_token_vectors(Response& response, Vectors& vectors, size_t input, const TeiCost& cost) {
  std::string& json = response.body;
  if (input == 0) {
    // At once, because a string that grows is copied. What is not needed of it is never touched.
    json.reserve(vectors.floats() * json_float_bytes + 2 * vectors.tokens() + 3 * vectors.size());
    add_cost_headers(response, cost, vectors);
  }
  json += input == 0 ? "[[" : ",[";
  std::vector<float>& values = vectors.of_tokens[input];
  for (size_t begin = 0; begin < values.size(); begin += vectors.dims) {
    if (begin > 0) json += ',';
    append_json_vector(json, std::span{values}.subspan(begin, vectors.dims));
  }
  std::vector<float>{}.swap(values);
  json += input + 1 == vectors.size() ? "]]" : "]";
}

Response write_cosines(const Vectors& vectors, const TeiCost& cost) {
  std::string json;
  for (size_t i = 1; i < vectors.size(); ++i) {
    json += i == 1 ? '[' : ',';
    append_json_number(json, cosine(vectors[0], vectors[i]));
  }
  json += ']';
  Response response{.body = std::move(json)};
  add_cost_headers(response, cost, vectors);
  return response;
}

Outcome<Work> read_similarity(const JsonField& inputs, const JsonField& parameters,
                              const Context& context) {
  if (auto there = require(inputs); !there) return there.error();
  std::array<JsonField, 2> fields{{{"source_sentence"}, {"sentences"}}};
  const auto& [source, sentences] = fields;
  if (auto read = read_object(inputs, fields); !read) return read.error();
  std::array<JsonField, 3> choices{{{"truncate"}, {"truncation_direction"}, {"prompt_name"}}};
  const auto& [truncate, direction, prompt_name] = choices;
  if (parameters.value)
    if (auto read = read_object(parameters, choices); !read) return read.error();

  Work work;
  const auto text = read_text(source);
  if (!text) return text.error();
  work.texts.add(*text);
  if (auto read = read_texts(sentences, context.limits, work.texts); !read) return read.error();
  const auto truncation = read_truncation(truncate, direction);
  if (!truncation) return truncation.error();
  work.truncation = *truncation;
  auto prompt = read_prompt_name(prompt_name, context);
  if (!prompt) return prompt.error();
  work.prompt_name = std::move(*prompt);
  return work;
}

// The fields that say what is embedded, and how.
struct EmbedFields {
  const JsonField &inputs, &truncate, &direction, &prompt_name, &priority;
};

Outcome<Work> read_embed_work(const EmbedFields& fields, const Context& context) {
  auto work = read_inputs(fields.inputs, context.limits);
  if (!work) return work.error();
  const auto truncation = read_truncation(fields.truncate, fields.direction);
  if (!truncation) return truncation.error();
  auto prompt = read_prompt_name(fields.prompt_name, context);
  if (!prompt) return prompt.error();
  if (!prompt->empty() && work->tokens.size() > 0)
    return wrong_field(fields.prompt_name.name,
                       "A prompt is put before texts, not before token ids.");
  const auto lane = optional_lane(fields.priority);
  if (!lane) return lane.error();
  work->truncation = *truncation;
  work->prompt_name = std::move(*prompt);
  work->priority = *lane;
  return work;
}

Problem only_pooled(const Context& context, const char* what) {
  return {.kind = ProblemKind::wrong_model,
          .message = fmt::format("The model '{}' is served with one vector for each text; {}.",
                                 context.about->model, what)};
}

}  // namespace

Answer tei_embed(const Request& request, const Context& context) {
  if (auto able = check_makes_vectors(context); !able) return able.error();
  std::array<JsonField, 7> fields{{{"inputs"},
                                   {"truncate"},
                                   {"truncation_direction"},
                                   {"prompt_name"},
                                   {"normalize"},
                                   {"dimensions"},
                                   {"priority"}}};
  const auto& [inputs, truncate, direction, prompt_name, normalize, dimensions, priority] = fields;
  if (auto read = read_object(request.body, fields); !read) return read.error();
  auto work = read_embed_work({inputs, truncate, direction, prompt_name, priority}, context);
  if (!work) return work.error();
  const auto unit = optional_flag(normalize);
  if (!unit) return unit.error();
  const auto dims = optional_number(dimensions, 1, context.about->dims);
  if (!dims) return dims.error();

  const bool normalized = unit->value_or(true);
  work->raw = !normalized;
  // What the model scales already is left as it is.
  const VectorForm form{.dims = dims->value_or(0),
                        .normalize = normalized && (*dims || !context.about->normalized)};
  TeiCost cost = cost_of(*work, context);
  return Exchange{std::move(*work), [form, cost = std::move(cost)](const Vectors& vectors) {
                    return write_vectors(vectors, form, cost);
                  }};
}

Answer tei_similarity(const Request& request, const Context& context) {
  if (auto able = check_makes_vectors(context); !able) return able.error();
  std::array<JsonField, 3> fields{{{"inputs"}, {"parameters"}, {"priority"}}};
  const auto& [inputs, parameters, priority] = fields;
  if (auto read = read_object(request.body, fields); !read) return read.error();
  auto work = read_similarity(inputs, parameters, context);
  if (!work) return work.error();
  const auto lane = optional_lane(priority);
  if (!lane) return lane.error();
  work->priority = *lane;
  TeiCost cost = cost_of(*work, context);
  return Exchange{std::move(*work), [cost = std::move(cost)](const Vectors& vectors) {
                    return write_cosines(vectors, cost);
                  }};
}

Answer tei_embed_all(const Request& request, const Context& context) {
  if (auto able = check_makes_vectors(context); !able) return able.error();
  if (!context.about->token_vectors)
    return only_pooled(context, "its backend has none of their tokens");
  std::array<JsonField, 5> fields{
      {{"inputs"}, {"truncate"}, {"truncation_direction"}, {"prompt_name"}, {"priority"}}};
  const auto& [inputs, truncate, direction, prompt_name, priority] = fields;
  if (auto read = read_object(request.body, fields); !read) return read.error();
  auto work = read_embed_work({inputs, truncate, direction, prompt_name, priority}, context);
  if (!work) return work.error();
  const size_t tokens = work->tokens_at_most(context.about->tokens_max);
  const size_t tokens_max = token_floats_max / context.about->dims;
  if (work->size() > 1 && tokens > tokens_max)
    return wrong_field(
        inputs.name,
        fmt::format("'{}' may come to {} tokens; where each of them has a vector, there "
                    "may be {}.",
                    inputs.name, tokens, tokens_max));
  work->every_token = true;
  TeiCost cost = cost_of(*work, context);
  return Exchange{
      .work = std::move(*work),
      .write_input = [cost = std::move(cost)](Response& response, Vectors& vectors, size_t input) {
        write_token_vectors(response, vectors, input, cost);
      }};
}

Answer tei_embed_sparse(const Request&, const Context& context) {
  return only_pooled(context, "it makes no sparse ones");
}

Answer tei_default(const Request& request, const Context& context) {
  if (context.about->cross_encoder) return tei_rerank(request, context);
  std::array<JsonField, 1> fields{{{"inputs"}}};
  if (auto read = read_object(request.body, fields); !read) return read.error();
  const bool compares = fields[0].value && fields[0].value->is_object();
  return compares ? tei_similarity(request, context) : tei_embed(request, context);
}

}  // namespace hilo::http
