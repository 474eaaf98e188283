#include "http/engine_client.h"

#include <algorithm>

#include <fmt/format.h>

namespace hilo::http {
namespace {

constexpr size_t inputs_per_turn = 16;
constexpr size_t results_at_once = 64;
constexpr size_t advances_max = 8;  // rounds of taking before others have the io thread

Problem problem_of(hilo_status status, uint32_t index, uint32_t retry_after_ms) {
  switch (status) {
    case HILO_REFUSED:
      return {.kind = ProblemKind::overloaded,
              .message = "The engine has taken in as much work of this lane as it may.",
              .retry_after_ms = std::max(retry_after_ms, 1U)};
    case HILO_EXPIRED:
      return {.kind = ProblemKind::expired,
              .message = "The time of X-Hilo-Timeout-Ms was over before the work had begun."};
    case HILO_CANCELLED:
    case HILO_SHUTTING_DOWN:
      return {.kind = ProblemKind::unavailable, .message = "The engine is shutting down."};
    case HILO_ENGINE_GONE:
      return {.kind = ProblemKind::unavailable,
              .message = "The engine went away while it worked on this request."};
    case HILO_INVALID_UTF8:
    case HILO_TEXT_TOO_LONG:
    case HILO_TOO_MANY_TOKENS:
    case HILO_UNKNOWN_ID:
    case HILO_INVALID_ARGUMENT:
      return {.kind = status == HILO_UNKNOWN_ID ? ProblemKind::unknown_tokens
                                                : ProblemKind::bad_request,
              .message = fmt::format("Input {} cannot be taken: {}", index, hilo_strerror(status))};
    default:
      return {.kind = ProblemKind::engine_failed,
              .message = fmt::format("Input {} failed: {}", index, hilo_strerror(status))};
  }
}

hilo_input input_of(const Work& work) {
  if (!work.pairs.empty()) return HILO_PAIR;
  return work.tokens.size() > 0 ? HILO_IDS : HILO_TEXT;
}

hilo_truncation truncation_of(Truncation truncation) {
  switch (truncation) {
    case Truncation::end:
      return HILO_TRUNCATE_END;
    case Truncation::start:
      return HILO_TRUNCATE_START;
    case Truncation::refuse:
      return HILO_TRUNCATE_REFUSE;
  }
  ENSURE(false);
}

hilo_submit_options options_of(const Call& call, hilo_lane lane, Instant now) {
  hilo_submit_options options{};
  options.struct_bytes = sizeof options;
  options.lane = lane;
  options.input = input_of(call.work);
  options.truncation = truncation_of(call.work.truncation);
  options.raw = call.work.raw ? 1 : 0;
  if (call.work.every_token) options.tokens_from = call.tokens_from;
  if (!call.work.prompt_name.empty()) options.prompt_name = call.work.prompt_name.c_str();
  if (call.deadline)
    options.timeout_ms = static_cast<uint32_t>((*call.deadline - now) / millisecond_ns + 1);
  return options;
}

hilo_text as_text(std::string_view text) { return {text.data(), text.size()}; }

// Writes what the engine gets of one input, and says how many texts that were.
size_t put_texts(const Work& work, size_t index, hilo_text* texts) {
  if (!work.pairs.empty()) {
    texts[0] = as_text(work.texts[work.pairs[index].first]);
    texts[1] = as_text(work.texts[work.pairs[index].second]);
    return 2;
  }
  if (work.tokens.size() == 0) {
    texts[0] = as_text(work.texts[index]);
    return 1;
  }
  const std::span<const uint32_t> ids = work.tokens[index];
  texts[0] = {reinterpret_cast<const char*>(ids.data()), ids.size_bytes()};
  return 1;
}

hilo_info_t info_of(const hilo_client* client) {
  hilo_info_t info{};
  ENSURE(hilo_info(client, &info) == HILO_OK);
  return info;
}

}  // namespace

EngineClient::EngineClient(ClientHandle client, hilo_lane lane, bool every_token)
    : client_(std::move(client)),
      lane_(lane),
      every_token_(every_token),
      tasks_max_(every_token ? 1 : HILO_TASKS_MAX),
      dims_(info_of(client_.get()).dims),
      tokens_max_(info_of(client_.get()).tokens_max) {
  open_.reserve(HILO_TASKS_MAX);
}

void EngineClient::begin(Call& call) {
  ENSURE(call.work.tokens.size() == 0 || call.work.texts.size() == 0);
  ENSURE(call.work.every_token == every_token_);
  call.begun = monotonic_now();
  call.vectors.dims = dims_;
  if (every_token_)
    call.vectors.of_tokens.resize(call.work.size());
  else
    call.vectors.values.resize(call.work.size() * dims_);
  call.vectors.facts.resize(call.work.size());
  turns_.push_back(&call);
  submit_waiting(call.begun);
}

void EngineClient::abandon(Call& call) {
  if (!call.over) forget(call);
}

void EngineClient::forget(Call& call) {
  std::erase(turns_, &call);
  for (auto& [task, place] : open_) {
    if (place.call != &call) continue;
    place.call = nullptr;
    hilo_cancel(client_.get(), task);  // One that is computed already is told all the same.
  }
}

size_t EngineClient::texts_queued() const {
  size_t texts = 0;
  for (const Call* const call : turns_)
    texts += call->work.size() - call->next + call->again.size();
  return texts;
}

bool EngineClient::advance() {
  hilo_disarm(client_.get());
  for (size_t round = 0; round < advances_max; ++round) {
    if (!take_results()) return false;
    submit_waiting(monotonic_now());
    if (hilo_arm(client_.get()) != HILO_OK) break;
  }
  // Armed with results ready, the engine has rung or the tick looks again.
  return true;
}

bool EngineClient::take_results() {
  std::array<hilo_result, results_at_once> results;
  while (true) {
    size_t taken = 0;
    const hilo_status status = hilo_take(client_.get(), results.data(), results.size(), &taken);
    for (size_t i = 0; i < taken; ++i) deliver(results[i]);
    if (status == HILO_OK && taken == results.size()) continue;
    if (status == HILO_OK || status == HILO_EMPTY) return true;
    give_up();
    return false;
  }
}

void EngineClient::deliver(const hilo_result& result) {
  const auto found = open_.find(result.task);
  ENSURE(found != open_.end());
  const Place place = found->second;
  open_.erase(found);
  if (place.call != nullptr) deliver(place, result);
  if (result.status == HILO_OK) hilo_release(client_.get(), result.task);
}

void EngineClient::deliver(Place place, const hilo_result& result) {
  Call& call = *place.call;
  if (result.status == HILO_SHUTTING_DOWN) draining_ = true;
  // A request of which nothing is done yet is better told; of one under way, the texts sent back
  // go again when the engine has said.
  if (result.status == HILO_REFUSED && (call.computed > 0 || call.tokens_from > 1)) {
    submit_again(place);
    paused_until_ = std::max(paused_until_,
                             monotonic_now() + Nanoseconds{result.retry_after_ms} * millisecond_ns);
    return;
  }
  if (result.status != HILO_OK)
    return finish(call, problem_of(result.status, place.index, result.retry_after_ms));
  Vectors::Fact& fact = call.vectors.facts[place.index];
  fact.tokens = result.tokens;
  fact.truncated = result.truncated != 0;
  fact.engine_ns += result.engine_ns;
  if (every_token_ && !take_tokens(place, result)) return submit_again(place);
  if (!every_token_)
    std::copy_n(result.vector, dims_,
                call.vectors.values.begin() + static_cast<ptrdiff_t>(place.index * dims_));
  size_computed_ += every_token_ ? call.work.tokens_at_most(place.index, tokens_max_) * dims_ : 1;
  if (++call.computed == call.work.size()) finish(call, std::nullopt);
}

// False: the text has more tokens, which the engine is still to be asked for. The texts of a call
// come here in their order, since there is never more than one under way.
bool EngineClient::take_tokens(Place place, const hilo_result& result) const {
  Call& call = *place.call;
  std::vector<float>& values = call.vectors.of_tokens[place.index];
  values.reserve(result.tokens * dims_);  // once, so that nothing is copied again
  const size_t end = std::min<size_t>(result.tokens + 1, call.tokens_from + HILO_TASKS_MAX);
  const float* vector = result.vector;
  for (; call.tokens_from < end; ++call.tokens_from, vector += HILO_VECTOR_STRIDE(dims_))
    values.insert(values.end(), vector, vector + dims_);
  if (end <= result.tokens) return false;
  call.tokens_from = 1;
  return true;
}

void EngineClient::submit_again(Place place) {
  if (!place.call->has_unsubmitted()) turns_.push_back(place.call);
  place.call->again.push_back(place.index);
}

void EngineClient::submit_waiting(Instant now) {
  if (now < paused_until_) return;
  while (!turns_.empty() && open_.size() < tasks_max_) {
    Call* const call = turns_.front();
    const Turn turn = take_turn(*call, now);
    if (turn == Turn::full) return;
    if (turn == Turn::over) continue;  // It has left the queue.
    turns_.pop_front();
    if (turn == Turn::more_left) turns_.push_back(call);
  }
}

EngineClient::Turn EngineClient::take_turn(Call& call, Instant now) {
  if (call.deadline && *call.deadline <= now) {
    finish(call, problem_of(HILO_EXPIRED, 0, 0));
    return Turn::over;
  }
  const hilo_submit_options options = options_of(call, lane_, now);
  std::array<hilo_text, 2 * inputs_per_turn> texts;  // two of a pair
  std::array<uint32_t, inputs_per_turn> indices;
  size_t count = 0;
  size_t put = 0;
  size_t next = call.next;
  for (; count < std::min(inputs_per_turn, tasks_max_) &&
         (count < call.again.size() || next < call.work.size());
       ++count) {
    indices[count] = count < call.again.size() ? call.again[count] : static_cast<uint32_t>(next++);
    put += put_texts(call.work, indices[count], &texts[put]);
  }
  std::array<hilo_task, inputs_per_turn> tasks;
  size_t submitted = 0;
  const hilo_status status =
      hilo_submit_many(client_.get(), &options, texts.data(), count, tasks.data(), &submitted);
  for (size_t i = 0; i < submitted; ++i) {
    open_[tasks[i]] = {&call, indices[i]};
    call.vectors.facts[indices[i]].waited_ns = now - call.begun;
  }
  const size_t repeated = std::min(submitted, call.again.size());
  call.again.erase(call.again.begin(), call.again.begin() + static_cast<ptrdiff_t>(repeated));
  call.next += submitted - repeated;
  if (status == HILO_FULL || status == HILO_ENGINE_GONE) return Turn::full;  // advance() will see.
  if (status != HILO_OK) {
    finish(call, problem_of(status, indices[submitted], 0));
    return Turn::over;
  }
  return call.has_unsubmitted() ? Turn::more_left : Turn::all_submitted;
}

void EngineClient::tick(Instant now) {
  for (size_t i = 0; i < turns_.size();) {
    Call& call = *turns_[i];
    if (call.deadline && *call.deadline <= now)
      finish(call, problem_of(HILO_EXPIRED, 0, 0));
    else
      ++i;
  }
  submit_waiting(now);
}

void EngineClient::finish(Call& call, std::optional<Problem> problem) {
  if (problem) forget(call);  // A call that is whole has left nothing behind.
  call.problem = std::move(problem);
  call.over = true;
  if (call.finished) call.finished();
}

void EngineClient::give_up() {
  const Problem problem = problem_of(HILO_ENGINE_GONE, 0, 0);
  while (!turns_.empty()) finish(*turns_.front(), problem);
  std::vector<Call*> calls;
  for (const auto& [task, place] : open_)
    if (place.call != nullptr && std::ranges::find(calls, place.call) == calls.end())
      calls.push_back(place.call);
  for (Call* const call : calls) finish(*call, problem);
  open_.clear();
}

}  // namespace hilo::http
