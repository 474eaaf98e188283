#include "http/openai.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "http/json_body.h"
#include "http/json_inputs.h"
#include "http/json_writer.h"
#include "http/model_kind.h"
#include "http/model_name.h"
#include "http/vector_math.h"

namespace hilo::http {
namespace {

// The names are OpenAI's where it has one for the case.
struct ErrorNames {
  const char* type;
  const char* code;  // null: none
};

ErrorNames names_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::bad_request:
    case ProblemKind::malformed_request:
    case ProblemKind::malformed_json:
    case ProblemKind::empty_list:
    case ProblemKind::unknown_tokens:
    case ProblemKind::no_such_route:
    case ProblemKind::wrong_method:
    case ProblemKind::too_slow:
    case ProblemKind::body_too_large:
    case ProblemKind::unknown_encoding:
    case ProblemKind::header_too_large:
      return {"invalid_request_error", nullptr};
    case ProblemKind::wrong_model:
      return {"invalid_request_error", "model_not_supported"};
    case ProblemKind::no_such_model:
      return {"invalid_request_error", "model_not_found"};
    case ProblemKind::unauthorized:
      return {"invalid_request_error", "invalid_api_key"};
    case ProblemKind::forbidden:
      return {"invalid_request_error", "lane_denied"};
    case ProblemKind::overloaded:
      return {"rate_limit_error", "rate_limit_exceeded"};
    case ProblemKind::engine_failed:
      return {"server_error", nullptr};
    case ProblemKind::unavailable:
      return {"server_error", "engine_unavailable"};
    case ProblemKind::expired:
      return {"server_error", "timeout"};
  }
  ENSURE(false);
}

Answer embeddings(const Request& request, const Context& context) {
  if (auto able = check_makes_vectors(context); !able) return able.error();
  auto read = read_embeddings_request(request.body, context);
  if (!read) return read.error();
  Work work = std::exchange(read->work, {});
  return Exchange{std::move(work),
                  [asked = std::move(*read), model = context.about->model](const Vectors& vectors) {
                    return write_embeddings(vectors, asked, model);
                  }};
}

std::string model_json(std::string_view name) {
  std::string json = R"({"id":)";
  append_json_text(json, name);
  json += R"(,"object":"model","created":0,"owned_by":"hilo"})";
  return json;
}

Answer models(const Request&, const Context& context) {
  return Response{.body = R"({"object":"list","data":[)" + model_json(context.about->model) + "]}"};
}

Answer model(const Request& request, const Context& context) {
  const std::string_view name = request.path.substr(request.path.find("models/") + 7);
  if (!is_served(name, context)) return no_such_model(name, context);
  return Response{.body = model_json(context.about->model)};
}

}  // namespace

std::vector<Route> openai_routes() {
  return {{"POST", "/v1/embeddings", embeddings, write_openai_problem},
          {"POST", "/embeddings", embeddings, write_openai_problem},
          {"GET", "/v1/models", models, write_openai_problem},
          {"GET", "/v1/models/*", model, write_openai_problem}};
}

Route open_route(std::string_view path, Answer (*handle)(const Request&, const Context&)) {
  return {.method = "GET",
          .path = path,
          .handle = handle,
          .write_problem = write_openai_problem,
          .needs_engine = false,
          .needs_key = false};
}

Response write_openai_problem(const Problem& problem) {
  const ErrorNames names = names_of(problem.kind);
  std::string json = R"({"error":{"message":)";
  append_json_text(json, problem.message);
  json += fmt::format(R"(,"type":"{}","param":)", names.type);
  if (problem.field.empty())
    json += "null";
  else
    append_json_text(json, problem.field);
  json += R"(,"code":)";
  if (names.code == nullptr)
    json += "null";
  else
    append_json_text(json, names.code);
  json += "}}";
  return problem_response(problem, std::move(json));
}

Outcome<EmbeddingsRequest> read_embeddings_request(const std::string& body,
                                                   const Context& context) {
  std::array<JsonField, 6> fields{
      {{"input"}, {"model"}, {"encoding_format"}, {"dimensions"}, {"user"}, {"priority"}}};
  const auto& [input, model, encoding_format, dimensions, user, priority] = fields;
  if (auto read = read_object(body, fields); !read) return read.error();

  const auto name = optional_text(model);
  if (!name) return name.error();
  if (*name && !is_served(**name, context)) return no_such_model(**name, context);
  const auto format = optional_text(encoding_format);
  if (!format) return format.error();
  if (*format && **format != "float" && **format != "base64")
    return wrong_field(encoding_format.name, R"('encoding_format' must be "float" or "base64".)");
  const auto dims = optional_number(dimensions, 1, context.about->dims);
  if (!dims) return dims.error();
  if (const auto checked = optional_text(user); !checked) return checked.error();
  const auto lane = optional_lane(priority);
  if (!lane) return lane.error();
  auto work = read_inputs(input, context.limits);
  if (!work) return work.error();
  work->priority = *lane;
  return EmbeddingsRequest{
      .work = std::move(*work), .base64 = *format == "base64", .dims = dims->value_or(0)};
}

Response write_embeddings(const Vectors& vectors, const EmbeddingsRequest& request,
                          std::string_view model) {
  const size_t dims = request.dims == 0 ? vectors.dims : request.dims;
  const size_t float_bytes = request.base64 ? 6 : json_float_bytes;
  std::string json;
  json.reserve(vectors.size() * (dims * float_bytes + 64) + 256);
  json += R"({"object":"list","data":[)";
  std::vector<float> shortened;
  for (size_t i = 0; i < vectors.size(); ++i) {
    std::span<const float> vector = vectors[i];
    if (dims < vector.size()) vector = shorten(vector, dims, shortened);
    json += i == 0 ? R"({"object":"embedding","index":)" : R"(,{"object":"embedding","index":)";
    append_json_number(json, i);
    json += R"(,"embedding":)";
    if (request.base64)
      append_base64_vector(json, vector);
    else
      append_json_vector(json, vector);
    json += '}';
  }
  json += R"(],"model":)";
  append_json_text(json, model);
  const uint64_t tokens = vectors.tokens();
  json += R"(,"usage":{"prompt_tokens":)";
  append_json_number(json, tokens);
  json += R"(,"total_tokens":)";
  append_json_number(json, tokens);
  json += "}}";
  return {.body = std::move(json)};
}

}  // namespace hilo::http
