#include "http/status_page.h"

#include <fmt/format.h>

#include "http/json_writer.h"
#include "http/openai.h"

namespace hilo::http {
namespace {

// Another number when a field goes or changes its meaning; new fields may come at any time.
constexpr int status_version = 1;

const char* state_of(const Context& context) {
  if (!context.connected) return "absent";
  return context.draining ? "draining" : "ready";
}

void append_model(std::string& json, const EngineAbout* about) {
  if (about == nullptr) {
    json += "null";
    return;
  }
  json += R"({"name":)";
  append_json_text(json, about->model);
  json += R"(,"backend":)";
  append_json_text(json, about->backend);
  json += R"(,"precision":)";
  append_json_text(json, about->precision);
  json += fmt::format(R"(,"dims":{},"tokens_max":{},"cross_encoder":{}}})", about->dims,
                      about->tokens_max, about->cross_encoder);
}

// All but the engine's report, which has to be waited for.
std::string begin_status(const Context& context) {
  std::string json =
      fmt::format(R"({{"version":{},"state":"{}","absence":)", status_version, state_of(context));
  if (context.connected)
    json += "null";
  else
    append_json_text(json, context.absence);
  json += R"(,"model":)";
  append_model(json, context.about);
  return json;
}

Answer status(const Request&, const Context& context) {
  return Errand{
      [json = begin_status(context), page = context.status_page, connected = context.connected] {
        return Response{.body = fmt::format(R"({},"http":{},"engine":{}}})", json, page->counts(),
                                            connected ? page->report() : "null"),
                        .headers = {{"Cache-Control", "no-store"}}};
      }};
}

}  // namespace

std::vector<Route> status_routes() {
  return {{"GET", "/status", status, write_openai_problem, false}};
}

std::string StatusPage::counts() const {
  uint64_t requests = 0;
  for (const RouteMetrics& route : metrics_.routes())
    for (const auto& by_status : route.requests)
      for (const Counter& count : by_status) requests += count.get();
  uint64_t refused = 0;
  for (size_t label = 0; label < lane_labels.size(); ++label)
    refused += metrics_.lane(label).refused.get();
  const HttpGauges& now = metrics_.gauges;
  return fmt::format(
      R"({{"connections":{},"requests":{},"refused":{},"texts_held":{{"high":{},"low":{}}}}})",
      now.connections.get(), requests, refused, now.texts_in_flight[index_of(Lane::high)].get(),
      now.texts_in_flight[index_of(Lane::low)].get());
}

const std::string& StatusPage::report() {
  return report_.at(monotonic_now(), [this] {
    std::string answer = engine_.ask("metrics buckets");
    return answer.empty() ? "null" : answer;
  });
}

}  // namespace hilo::http
