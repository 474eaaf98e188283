#include "dispatcher.h"

#include <algorithm>
#include <array>
#include <unistd.h>

namespace hilo::python {
namespace {

// A short stretch on the stack: results are taken and texts submitted this many at a time.
constexpr size_t stretch = 64;

hilo_info_t info_of(const hilo_client* client) {
  hilo_info_t info{};
  throw_unless_ok(hilo_info(client, &info));
  return info;
}

std::string message_of(const hilo_result& result, size_t index) {
  const std::string text = "text " + std::to_string(index);
  switch (result.status) {
    case HILO_REFUSED:
      return "the engine has taken in as much work of this lane as it may: try again in " +
             std::to_string(result.retry_after_ms) + " ms";
    case HILO_TOO_MANY_TOKENS:
      return text + " has more tokens than the " + std::to_string(result.tokens) +
             " that the model takes: split it, or allow truncate=\"end\"";
    case HILO_UNKNOWN_ID:
      return text +
             " has a token id that is not in the model's vocabulary: was it made by another "
             "model's tokenizer?";
    default:
      return hilo_strerror(result.status);
  }
}

}  // namespace

Dispatcher::Dispatcher(hilo_client* client)
    : client_{client}, owner_{getpid()}, info_{info_of(client)} {
  open_.reserve(HILO_TASKS_MAX);
}

// In a fork the channel is the parent's, and closing it here would end it there.
Dispatcher::~Dispatcher() {
  if (getpid() == owner_) hilo_close(client_);
}

// Asked before the mutex, which a thread that the fork left behind may hold for ever.
void Dispatcher::refuse_fork() const {
  if (getpid() == owner_) return;
  throw StatusError{
      HILO_FORKED,
      "this process is a fork of the one that opened the client: open another one here"};
}

std::shared_ptr<Call> Dispatcher::begin(CallRequest request) {
  refuse_fork();
  const Lock lock{mutex_};
  if (shut_) throw StatusError{HILO_INVALID_ARGUMENT, "the client is closed"};
  const size_t texts = request.tasks();
  if (request.lends()) {
    const size_t held = vectors_lent_ + vectors_promised_;
    if (held + texts > views_max) {
      throw StatusError{HILO_FULL, "at most " + std::to_string(views_max) +
                                       " vectors can be lent as views at a time, and " +
                                       std::to_string(held) +
                                       " of them are held already: drop some, "
                                       "ask for fewer texts at once, or use copy=True"};
    }
    vectors_promised_ += texts;
  }
  auto call = std::make_shared<Call>(std::move(request));
  calls_.push_back(call);
  if (texts == 0) end(*call);
  submit_waiting();
  if (!leading_) arm_for_event_loops();
  return call;
}

bool Dispatcher::advance(Call& call, std::chrono::milliseconds slice) {
  refuse_fork();
  const auto deadline = Clock::now() + slice;
  Lock lock{mutex_};
  submit_waiting();
  for (auto now = Clock::now(); !call.over_ && now < deadline; now = Clock::now()) {
    if (leading_) {
      call.waiting_ = true;
      call.changed_.wait_until(lock, deadline);
      call.waiting_ = false;
    } else if (lead(lock, std::min(std::chrono::ceil<std::chrono::milliseconds>(deadline - now),
                                   pause_left(now).value_or(slice))) == HILO_INTERRUPTED) {
      break;  // The caller lets Python handle the signal.
    }
  }
  if (!leading_) pass_on_lead();
  if (call.failure_) throw StatusError{*call.failure_};
  return call.over_;
}

// Sleeps until a result is ready, without the mutex, so that others submit meanwhile.
hilo_status Dispatcher::lead(Lock& lock, std::chrono::milliseconds time) {
  leading_ = true;
  lock.unlock();
  const hilo_status status = hilo_wait(client_, static_cast<int>(time.count()));
  const std::string message = status == HILO_OK ? "" : hilo_last_error();
  lock.lock();
  leading_ = false;
  if (status == HILO_TIMED_OUT) submit_waiting();  // A pause may be over.
  if (status == HILO_TIMED_OUT || status == HILO_INTERRUPTED) return status;
  step();  // Also when the engine is gone: what it left counts.
  if (status != HILO_OK) fail_all({status, message});
  return status;
}

void Dispatcher::step() {
  take_ready();
  submit_waiting();
}

void Dispatcher::take_ready() {
  std::array<hilo_result, stretch> results;
  while (true) {
    size_t taken = 0;
    const hilo_status status = hilo_take(client_, results.data(), results.size(), &taken);
    std::for_each_n(results.begin(), taken, [this](const hilo_result& result) { deliver(result); });
    if (status == HILO_EMPTY || (status == HILO_OK && taken < results.size())) return;
    if (status != HILO_OK) return fail_all({status, hilo_last_error()});
  }
}

void Dispatcher::deliver(const hilo_result& result) {
  const auto found = open_.find(result.task);
  if (found == open_.end()) return;  // A task of hilo_embed() or of nobody: none of ours.
  const auto [call, index] = found->second;
  open_.erase(found);
  one_has_all_ = false;
  const bool has_vector = result.status == HILO_OK;
  if (call == nullptr) {
    if (has_vector) hilo_release(client_, result.task);
    return;
  }
  --call->in_flight_;
  if (result.status == HILO_REFUSED && call->request_.options.lane == HILO_LOW)
    return submit_later(*call, index, result.retry_after_ms);
  if (!has_vector)
    return fail(*call, {result.status, message_of(result, index), index, result.retry_after_ms});
  call->window_ = std::min<size_t>(call->window_ + 1, HILO_TASKS_MAX);

  if (call->request_.options.every_token) {
    const bool whole = take_tokens(*call, index, result);
    hilo_release(client_, result.task);
    if (!whole) return call->refused_.push_back(index);
  } else if (float* const rows = call->request_.rows) {
    std::copy_n(result.vector, info_.dims, rows + index * info_.dims);
    hilo_release(client_, result.task);
  } else {
    call->lent_[index] = {result.vector, result.task};
    --vectors_promised_;
    ++vectors_lent_;
  }
  for (CallProgress* const progress : {&call->progress_, &totals_}) {
    ++progress->finished;
    progress->tokens += result.tokens;
    progress->truncated += result.truncated;
  }
  if (call->progress_.finished == call->request_.tasks()) end(*call);
}

// False: the text has more tokens, which the engine is still to be asked for.
bool Dispatcher::take_tokens(Call& call, size_t index, const hilo_result& result) {
  const size_t end = std::min<size_t>(result.tokens + 1, call.tokens_from_ + HILO_TASKS_MAX);
  std::vector<float>& vectors = call.token_vectors_[index];
  vectors.reserve(size_t{result.tokens} * info_.dims);
  const float* vector = result.vector;
  for (; call.tokens_from_ < end; ++call.tokens_from_, vector += HILO_VECTOR_STRIDE(info_.dims))
    vectors.insert(vectors.end(), vector, vector + info_.dims);
  if (end <= result.tokens) return false;
  call.tokens_from_ = 1;
  return true;
}

// Bulk loses nothing: what the engine has no room for now, it is asked again. Many clients that all
// asked for everything again would keep the engine busy with refusing, so a call has half as many
// texts under way after each refusal, and one more after each vector.
void Dispatcher::submit_later(Call& call, size_t index, uint32_t retry_after_ms) {
  call.refused_.push_back(index);
  call.window_ = std::max<size_t>(call.window_ / 2, 1);
  const auto again = Clock::now() + std::chrono::milliseconds{retry_after_ms};
  call.go_on_at_ = std::max(call.go_on_at_, again);
  wake_event_loop(call);  // Which sets its timer by pause().
}

std::optional<std::chrono::milliseconds> Dispatcher::pause() {
  refuse_fork();
  const Lock lock{mutex_};
  return pause_left(Clock::now());
}

// Calls whose pause is over wait for results, of which the channel tells.
std::optional<std::chrono::milliseconds> Dispatcher::pause_left(Clock::time_point now) const {
  std::optional<std::chrono::milliseconds> shortest;
  for (const auto& call : calls_) {
    if (call->refused_.empty() || !call->is_paused(now)) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(call->go_on_at_ - now);
    shortest = std::min(left, shortest.value_or(left));
  }
  return shortest;
}

// Small calls first. Bulk calls share what is left, and the first of them changes from time to
// time, so that none goes without when there is room for one text only. Vectors of a text's tokens
// take the room of all, so those calls and the others take turns: a text's, then what else waits.
// Only the call whose turn it was moves: two turns that moved all calls on kept the same one first.
void Dispatcher::submit_waiting() {
  if (one_has_all_) return;
  const auto now = Clock::now();
  std::vector<std::shared_ptr<Call>> waiting;  // A copy, since a call that fails leaves calls_.
  std::shared_ptr<Call> for_tokens;            // the first of them
  for (const auto& call : calls_) {
    if (!call->has_unsubmitted() || call->is_paused(now)) continue;
    if (!call->request_.options.every_token)
      waiting.push_back(call);
    else if (for_tokens == nullptr)
      for_tokens = call;
  }
  if (for_tokens != nullptr && (tokens_turn_ || waiting.empty()))
    return submit_for_tokens(*for_tokens);
  if (waiting.empty()) return;
  tokens_turn_ = true;
  const auto bulk = std::stable_partition(waiting.begin(), waiting.end(),
                                          [](const auto& call) { return call->is_small(); });
  std::for_each(waiting.begin(), bulk,
                [this](const auto& call) { submit_some(*call, room_for(*call)); });
  for (auto call = bulk; call != waiting.end(); ++call) {
    const auto sharers = static_cast<size_t>(waiting.end() - call);
    submit_some(**call, (room_for(**call) + sharers - 1) / sharers);
  }
  if (bulk != waiting.end()) move_to_end(**bulk);
}

// Nothing else is submitted until all that is open has come, and then this.
void Dispatcher::submit_for_tokens(Call& call) {
  if (!open_.empty()) return;
  if (vectors_lent_ > 0)
    return fail(call, {HILO_FULL,
                       "vectors of tokens take the room of all that are lent as views, "
                       "and some are held: drop them first"});
  submit_some(call, 1);
  one_has_all_ = !open_.empty();
  tokens_turn_ = false;
  move_to_end(call);
}

// Of the turn. A call that failed meanwhile is not in it any more.
void Dispatcher::move_to_end(const Call& call) {
  const auto found = std::find_if(calls_.begin(), calls_.end(),
                                  [&call](const auto& other) { return other.get() == &call; });
  if (found != calls_.end()) std::rotate(found, found + 1, calls_.end());
}

size_t Dispatcher::room_for(const Call& call) const {
  const size_t taken = open_.size() + vectors_lent_;
  const size_t limit = HILO_TASKS_MAX - (call.is_small() ? 0 : tasks_kept_for_small_calls);
  return limit > taken ? limit - taken : 0;
}

// What was refused first, a text at a time; then the list goes on.
void Dispatcher::submit_some(Call& call, size_t room) {
  room = std::min(room, call.window_ - std::min(call.window_, call.in_flight_));
  while (room > 0 && call.has_unsubmitted()) {
    const bool again = !call.refused_.empty();
    const size_t first = again ? call.refused_.back() : call.submitted_;
    const size_t rest = call.request_.tasks() - call.submitted_;
    const size_t count = again ? 1 : std::min({room, stretch, rest});
    size_t submitted = 0;
    const hilo_status status = submit_stretch(call, first, count, submitted);
    room -= submitted;
    if (!again)
      call.submitted_ += submitted;
    else if (submitted == 1)
      call.refused_.pop_back();
    if (status == HILO_FULL) return;  // The text ring is full: go on when results have come.
    if (status != HILO_OK) return fail(call, {status, hilo_last_error(), first + submitted});
  }
}

hilo_status Dispatcher::submit_stretch(Call& call, size_t first, size_t count, size_t& submitted) {
  const CallRequest& request = call.request_;
  const CallOptions& wanted = request.options;
  const hilo_submit_options options{
      .struct_bytes = sizeof options,
      .lane = wanted.lane,
      .timeout_ms = wanted.timeout_ms,
      .prompt_name = wanted.prompt.empty() ? nullptr : wanted.prompt.c_str(),
      .input = wanted.input,
      .truncation = wanted.truncation,
      .raw = wanted.raw ? 1U : 0U,
      .tokens_from = wanted.every_token ? call.tokens_from_ : 0};
  std::array<hilo_task, stretch> tasks;
  const hilo_text* const texts = request.texts.data() + first * request.texts_in_task();
  const hilo_status status =
      hilo_submit_many(client_, &options, texts, count, tasks.data(), &submitted);
  for (size_t i = 0; i < submitted; ++i) open_[tasks[i]] = {&call, first + i};
  call.in_flight_ += submitted;
  return status;
}

void Dispatcher::abandon(Call& call) {
  if (getpid() != owner_) return;
  const Lock lock{mutex_};
  if (!call.over_) end(call);
  for (LentVector& lent : call.lent_) {
    if (lent.vector != nullptr) give_back(lent.task);
  }
  call.lent_.clear();
  submit_waiting();
}

void Dispatcher::fail(Call& call, StatusError error) {
  call.failure_ = std::move(error);
  end(call);
}

void Dispatcher::fail_all(const StatusError& error) {
  while (!calls_.empty()) fail(*calls_.back(), error);
}

// Takes the call out of the turn. Tasks that are still open then are of nobody.
void Dispatcher::end(Call& call) {
  call.over_ = true;
  const size_t missing = call.request_.tasks() - call.progress_.finished;
  if (call.request_.lends()) vectors_promised_ -= missing;
  if (missing > 0) {
    for (auto& [task, place] : open_) {
      if (place.call != &call) continue;
      hilo_cancel(client_, task);
      place.call = nullptr;
    }
  }
  call.changed_.notify_all();
  wake_event_loop(call);
  std::erase_if(calls_, [&call](const auto& other) { return other.get() == &call; });
}

void Dispatcher::wake_event_loop(const Call& call) {
  if (call.request_.wake_descriptor < 0) return;
  const uint64_t one = 1;
  // It can only fail on a counter that is full, and then the loop is awake.
  [[maybe_unused]] const auto written = write(call.request_.wake_descriptor, &one, sizeof one);
}

bool Dispatcher::is_over(const Call& call) {
  refuse_fork();
  const Lock lock{mutex_};
  return call.over_;
}

CallProgress Dispatcher::progress(const Call& call) {
  refuse_fork();
  const Lock lock{mutex_};
  return call.progress_;
}

CallProgress Dispatcher::totals() {
  refuse_fork();
  const Lock lock{mutex_};
  return totals_;
}

std::vector<LentVector> Dispatcher::hand_over_vectors(Call& call) {
  refuse_fork();
  const Lock lock{mutex_};
  return std::exchange(call.lent_, {});
}

std::vector<std::vector<float>> Dispatcher::hand_over_token_vectors(Call& call) {
  refuse_fork();
  const Lock lock{mutex_};
  return std::exchange(call.token_vectors_, {});
}

void Dispatcher::release(hilo_task task) {
  if (getpid() != owner_) return;
  const Lock lock{mutex_};
  give_back(task);
  submit_waiting();  // A call may have waited for just this slot.
}

void Dispatcher::give_back(hilo_task task) {
  hilo_release(client_, task);
  --vectors_lent_;
}

void Dispatcher::pump() {
  refuse_fork();
  const Lock lock{mutex_};
  hilo_disarm(client_);
  armed_ = false;
  if (leading_) return;  // That thread takes for everyone.
  step();
  arm_for_event_loops();
}

void Dispatcher::shut() {
  if (getpid() != owner_) return;
  const Lock lock{mutex_};
  shut_ = true;
  fail_all({HILO_CANCELLED, "the client was closed"});
}

void Dispatcher::pass_on_lead() {
  const auto next =
      std::find_if(calls_.begin(), calls_.end(), [](const auto& call) { return call->waiting_; });
  if (next != calls_.end()) {
    (*next)->changed_.notify_one();
  } else {
    arm_for_event_loops();
  }
}

// A result may be ready before the channel is armed; then nobody would ring for it. Armed once for
// each pump(), since the engine rings once for each time.
void Dispatcher::arm_for_event_loops() {
  const auto is_of_event_loop = [](const auto& call) {
    return call->request_.wake_descriptor >= 0;
  };
  while (!armed_ && std::any_of(calls_.begin(), calls_.end(), is_of_event_loop)) {
    armed_ = hilo_arm(client_) != HILO_OK;
    if (!armed_) step();
  }
}

}  // namespace hilo::python
