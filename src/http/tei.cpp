#include "http/tei.h"

#include <fmt/format.h>
#include <hilo/hilo.h>

#include "http/json_writer.h"
#include "http/tei_scores.h"
#include "http/tei_tokens.h"
#include "http/tei_vectors.h"

namespace hilo::http {
namespace {

struct ErrorForm {
  unsigned status;  // 0: the one that all families have
  const char* type;
};

ErrorForm form_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::empty_list:
      return {0, "Empty"};
    case ProblemKind::bad_request:
      return {422, "Validation"};
    case ProblemKind::unknown_tokens:
      return {422, "Tokenizer"};
    case ProblemKind::wrong_model:
    case ProblemKind::engine_failed:
      return {424, "Backend"};
    case ProblemKind::expired:
      return {0, "Backend"};
    case ProblemKind::overloaded:
      return {0, "Overloaded"};
    case ProblemKind::unavailable:
      return {0, "Unhealthy"};
    case ProblemKind::malformed_request:
    case ProblemKind::malformed_json:
    case ProblemKind::unauthorized:
    case ProblemKind::forbidden:
    case ProblemKind::no_such_model:
    case ProblemKind::no_such_route:
    case ProblemKind::wrong_method:
    case ProblemKind::too_slow:
    case ProblemKind::body_too_large:
    case ProblemKind::unknown_encoding:
    case ProblemKind::header_too_large:
      return {0, "Validation"};
  }
  ENSURE(false);
}

// The names that TEI has for types of numbers.
std::string_view dtype_of(std::string_view precision) {
  if (precision == "fp32") return "float32";
  if (precision == "fp16") return "float16";
  if (precision == "bf16") return "bfloat16";
  return precision;
}

std::string model_type_json(const EngineAbout& about) {
  if (about.cross_encoder) {
    std::string label;
    append_json_text(label, about.score_label);
    return R"({"reranker":{"id2label":{"0":)" + label + R"(},"label2id":{)" + label + ":0}}}";
  }
  std::string json = R"({"embedding":{"pooling":)";
  append_json_text(json, about.pooling == "lasttoken" ? "last_token" : about.pooling);
  return json + "}}";
}

Answer info(const Request&, const Context& context) {
  const EngineAbout& about = *context.about;
  std::string json = R"({"model_id":)";
  append_json_text(json, about.model);
  json += R"(,"model_sha":null,"model_dtype":)";
  append_json_text(json, dtype_of(about.precision));
  json += R"(,"served_model_name":)";
  append_json_text(json, about.model);
  json += R"(,"model_type":)" + model_type_json(about);
  json +=
      fmt::format(R"(,"max_concurrent_requests":{},"max_input_length":{},"max_batch_tokens":{},)"
                  R"("max_batch_requests":null,"max_client_batch_size":{},"auto_truncate":true,)"
                  R"("tokenization_workers":1,"version":"{}","sha":null,"docker_label":null}})",
                  context.limits.high_texts_max, about.tokens_max, about.tokens_max,
                  context.limits.texts_per_request_max, hilo_version());
  return Response{.body = std::move(json)};
}

}  // namespace

std::vector<Route> tei_routes() {
  const auto post = [](std::string_view path, Answer (*handle)(const Request&, const Context&)) {
    return Route{"POST", path, handle, write_tei_problem};
  };
  Route tokenize = post("/tokenize", tei_tokenize);
  tokenize.needs_engine = false;
  tokenize.bytes_at_once = tokenize_bytes_at_once;
  Route decode = post("/decode", tei_decode);
  decode.needs_engine = false;
  return {post("/embed", tei_embed),
          post("/embed_all", tei_embed_all),
          post("/embed_sparse", tei_embed_sparse),
          post("/similarity", tei_similarity),
          post("/rerank", tei_rerank),
          post("/predict", tei_predict),
          tokenize,
          decode,
          post("/", tei_default),
          post("/invocations", tei_default),
          {"GET", "/info", info, write_tei_problem}};
}

Response write_tei_problem(const Problem& problem) {
  const ErrorForm form = form_of(problem.kind);
  std::string json = R"({"error":)";
  append_json_text(json, problem.message);
  json += fmt::format(R"(,"error_type":"{}"}})", form.type);
  Response response = problem_response(problem, std::move(json));
  if (form.status != 0) response.status = form.status;
  return response;
}

}  // namespace hilo::http
