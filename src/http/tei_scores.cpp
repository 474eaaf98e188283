#include "http/tei_scores.h"

#include <array>
#include <utility>

#include "http/json_inputs.h"
#include "http/json_writer.h"
#include "http/model_kind.h"
#include "http/scores.h"
#include "http/tei.h"
#include "http/tei_fields.h"

namespace hilo::http {
namespace {

// `texts` are the query and what was ranked, or none where they are not wanted.
Response write_ranks(const Vectors& logits, bool raw, const TextList& texts, const TeiCost& cost) {
  auto scores = read_scores(logits, raw);
  if (!scores) return write_tei_problem(no_score());
  rank(*scores);
  std::string json;
  for (const Ranked& ranked : *scores) {
    json += json.empty() ? R"([{"index":)" : R"(,{"index":)";
    append_json_number(json, ranked.index);
    if (texts.size() > 0) {
      json += R"(,"text":)";
      append_json_text(json, texts[ranked.index + 1]);
    }
    json += R"(,"score":)";
    append_json_number(json, ranked.score);
    json += '}';
  }
  json += ']';
  Response response{.body = std::move(json)};
  add_cost_headers(response, cost, logits);
  return response;
}

// In what form `/predict` answers.
struct PredictionForm {
  std::string label;
  bool raw;
  bool is_list;
};

Response write_predictions(const Vectors& logits, const PredictionForm& form, const TeiCost& cost) {
  const auto& [label, raw, is_list] = form;
  const auto scores = read_scores(logits, raw);
  if (!scores) return write_tei_problem(no_score());
  std::string json;
  for (const Ranked& each : *scores) {
    json += json.empty() ? (is_list ? "[" : "") : ",";
    json += R"([{"score":)";
    append_json_number(json, each.score);
    json += R"(,"label":)";
    append_json_text(json, label);
    json += "}]";
  }
  if (is_list) json += ']';
  Response response{.body = std::move(json)};
  add_cost_headers(response, cost, logits);
  return response;
}

// The fields that both have besides their texts. Scores are had as logits.
Outcome<void> read_choices(const JsonField& truncate, const JsonField& direction,
                           const JsonField& priority, Work& work) {
  const auto truncation = read_truncation(truncate, direction);
  if (!truncation) return truncation.error();
  const auto lane = optional_lane(priority);
  if (!lane) return lane.error();
  work.truncation = *truncation;
  work.priority = *lane;
  work.raw = true;
  return {};
}

}  // namespace

Answer tei_rerank(const Request& request, const Context& context) {
  if (auto able = check_scores_pairs(context); !able) return able.error();
  std::array<JsonField, 7> fields{{{"query"},
                                   {"texts"},
                                   {"truncate"},
                                   {"truncation_direction"},
                                   {"raw_scores"},
                                   {"return_text"},
                                   {"priority"}}};
  const auto& [query, texts, truncate, direction, raw_scores, return_text, priority] = fields;
  if (auto read = read_object(request.body, fields); !read) return read.error();
  auto work = read_ranking(query, texts, context.limits);
  if (!work) return work.error();
  if (auto read = read_choices(truncate, direction, priority, *work); !read) return read.error();
  const auto raw = optional_flag(raw_scores);
  if (!raw) return raw.error();
  const auto with_texts = optional_flag(return_text);
  if (!with_texts) return with_texts.error();
  TextList told = with_texts->value_or(false) ? work->texts : TextList{};
  TeiCost cost = cost_of(*work, context);
  return Exchange{std::move(*work),
                  [raw = raw->value_or(false), told = std::move(told), cost = std::move(cost)](
                      const Vectors& logits) { return write_ranks(logits, raw, told, cost); }};
}

Answer tei_predict(const Request& request, const Context& context) {
  if (auto able = check_scores_pairs(context); !able) return able.error();
  std::array<JsonField, 5> fields{
      {{"inputs"}, {"truncate"}, {"truncation_direction"}, {"raw_scores"}, {"priority"}}};
  const auto& [inputs, truncate, direction, raw_scores, priority] = fields;
  if (auto read = read_object(request.body, fields); !read) return read.error();
  auto sequences = read_sequences(inputs, context.limits);
  if (!sequences) return sequences.error();
  Work& work = sequences->work;
  if (auto read = read_choices(truncate, direction, priority, work); !read) return read.error();
  const auto raw = optional_flag(raw_scores);
  if (!raw) return raw.error();
  TeiCost cost = cost_of(work, context);
  PredictionForm form{.label = context.about->score_label,
                      .raw = raw->value_or(false),
                      .is_list = sequences->is_list};
  return Exchange{std::move(work),
                  [form = std::move(form), cost = std::move(cost)](const Vectors& logits) {
                    return write_predictions(logits, form, cost);
                  }};
}

}  // namespace hilo::http
