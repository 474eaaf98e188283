// Any bytes as a body of /v1/embeddings: it is refused with a sentence in OpenAI's envelope, or
// what was read keeps the promises that the engine's client builds on. nlohmann's parser, which is
// strict, says which bytes are no JSON at all.
#include <nlohmann/json.hpp>

#include "base/ensure.h"
#include "http/openai.h"

namespace {

using namespace hilo::http;
using nlohmann::json;

const Limits limits{.texts_per_request_max = 8};
const EngineAbout about{.model = "all-MiniLM-L6-v2", .dims = 4};
const Context context{.limits = limits, .about = &about, .connected = true};

bool is_utf8(std::string_view text) {
  return json(std::string{text}).dump(-1, ' ', false, json::error_handler_t::ignore) ==
         json(std::string{text}).dump(-1, ' ', false, json::error_handler_t::replace);
}

void check_refusal(const Problem& problem) {
  const Response response = write_openai_problem(problem);
  ENSURE(response.status == 400 || response.status == 404);
  const json envelope = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  ENSURE(envelope.is_object());
  const auto message = envelope["error"]["message"].get<std::string>();
  ENSURE(message.ends_with('.'));
  ENSURE(message.size() < 1000);
}

void check_work(const EmbeddingsRequest& request) {
  const Work& work = request.work;
  ENSURE(work.size() >= 1);
  ENSURE(work.texts.size() == 0 || work.tokens.size() == 0);
  ENSURE(work.size() <= limits.texts_per_request_max);
  ENSURE(request.dims <= about.dims);
  for (size_t i = 0; i < work.texts.size(); ++i) {
    ENSURE(work.texts[i].size() <= text_bytes_max);
    ENSURE(is_utf8(work.texts[i]));
  }
  for (size_t i = 0; i < work.tokens.size(); ++i) ENSURE(!work.tokens[i].empty());
}

void check_response(const EmbeddingsRequest& request) {
  Vectors vectors;
  vectors.dims = about.dims;
  vectors.values.resize(request.work.size() * about.dims, 0.5F);
  vectors.facts.resize(request.work.size());
  const Response response = write_embeddings(vectors, request, about.model);
  ENSURE(json::parse(response.body)["data"].size() == request.work.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string body{reinterpret_cast<const char*>(data), size};
  const auto request = read_embeddings_request(body, context);
  if (!request) {
    check_refusal(request.error());
    return 0;
  }
  ENSURE(json::accept(body));
  check_work(*request);
  check_response(*request);
  return 0;
}
