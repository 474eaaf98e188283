#include "http/rerank.h"

#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "http/json_inputs.h"
#include "http/json_writer.h"
#include "http/model_kind.h"
#include "http/model_name.h"
#include "http/openai.h"
#include "http/scores.h"

namespace hilo::http {
namespace {

struct RerankForm {
  std::string model;
  size_t results_max = 0;
  TextList texts;  // the query and the documents; none where they are not wanted
};

Response write_results(const Vectors& logits, const RerankForm& form) {
  auto scores = read_scores(logits, /*raw=*/false);
  if (!scores) return write_openai_problem(no_score());
  rank(*scores);
  if (scores->size() > form.results_max) scores->resize(form.results_max);
  std::string json = R"({"object":"list","model":)";
  append_json_text(json, form.model);
  json += R"(,"results":[)";
  for (const Ranked& ranked : *scores) {
    json += json.back() == '[' ? R"({"index":)" : R"(,{"index":)";
    append_json_number(json, ranked.index);
    json += R"(,"relevance_score":)";
    append_json_number(json, ranked.score);
    if (form.texts.size() > 0) {
      json += R"(,"document":{"text":)";
      append_json_text(json, form.texts[ranked.index + 1]);
      json += '}';
    }
    json += '}';
  }
  const uint64_t tokens = logits.tokens();
  json += fmt::format(R"(],"usage":{{"prompt_tokens":{0},"total_tokens":{0}}},)"
                      R"("meta":{{"tokens":{{"input_tokens":{0},"output_tokens":0}}}}}})",
                      tokens);
  return {.body = std::move(json)};
}

Answer rerank(const Request& request, const Context& context) {
  if (auto able = check_scores_pairs(context); !able) return able.error();
  std::array<JsonField, 6> fields{
      {{"query"}, {"documents"}, {"model"}, {"top_n"}, {"return_documents"}, {"priority"}}};
  const auto& [query, documents, model, top_n, return_documents, priority] = fields;
  if (auto read = read_object(request.body, fields); !read) return read.error();
  const auto name = optional_text(model);
  if (!name) return name.error();
  if (*name && !is_served(**name, context)) return no_such_model(**name, context);
  auto work = read_ranking(query, documents, context.limits);
  if (!work) return work.error();
  const auto results_max = optional_number(top_n, 1, std::numeric_limits<uint32_t>::max());
  if (!results_max) return results_max.error();
  const auto with_texts = optional_flag(return_documents);
  if (!with_texts) return with_texts.error();
  const auto lane = optional_lane(priority);
  if (!lane) return lane.error();
  work->priority = *lane;
  work->raw = true;
  RerankForm form{.model = context.about->model,
                  .results_max = results_max->value_or(std::numeric_limits<uint32_t>::max()),
                  .texts = with_texts->value_or(false) ? work->texts : TextList{}};
  return Exchange{std::move(*work), [form = std::move(form)](const Vectors& logits) {
                    return write_results(logits, form);
                  }};
}

}  // namespace

std::vector<Route> rerank_routes() {
  return {{"POST", "/v1/rerank", rerank, write_openai_problem},
          {"POST", "/v2/rerank", rerank, write_openai_problem}};
}

}  // namespace hilo::http
