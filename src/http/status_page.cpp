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
  StatusPage* const page = context.connected ? context.status_page : nullptr;
  return Errand{[json = begin_status(context), page] {
    const std::string report = page == nullptr ? "null" : page->report();
    return Response{.body = fmt::format(R"({},"engine":{}}})", json, report),
                    .headers = {{"Cache-Control", "no-store"}}};
  }};
}

}  // namespace

std::vector<Route> status_routes() {
  return {{"GET", "/status", status, write_openai_problem, false}};
}

const std::string& StatusPage::report() {
  return report_.at(monotonic_now(), [this] {
    std::string answer = engine_.ask("metrics buckets");
    return answer.empty() ? "null" : answer;
  });
}

}  // namespace hilo::http
