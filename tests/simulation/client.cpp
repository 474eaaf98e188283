#include "client.h"

#include <fmt/format.h>

namespace hilo::simulation {

Habits habits_of(Random& random, bool high_saturates) {
  Habits habits;
  const bool high = high_saturates ? !random.once_in(3) : random.once_in(3);
  habits.lane = high ? Lane::high : Lane::low;
  habits.both_lanes = random.once_in(6);
  habits.texts = static_cast<uint32_t>(random.about(high && high_saturates ? 100 : 60));
  habits.burst = static_cast<uint32_t>(random.about(random.once_in(3) ? 80 : 4));
  habits.pause = random.about(random.once_in(3) ? 10 * microsecond_ns : 2 * millisecond_ns);
  habits.open_max =
      random.once_in(2) ? tasks_per_client_max : static_cast<uint32_t>(random.between(1, 40));
  habits.text_bytes = static_cast<uint32_t>(random.about(random.once_in(4) ? 1500 : 100));
  habits.giants = random.once_in(8);
  habits.cancels = random.once_in(4);
  habits.patience = random.once_in(3) ? random.about(20 * millisecond_ns) : 0;
  habits.takes_results = !random.once_in(12);
  habits.vanishes = random.once_in(40);
  // By a copy: what else a seed leads to stays as it was.
  habits.wants_tokens = Random{random}.once_in(8);
  return habits;
}

ScriptedClient::ScriptedClient(const Habits& habits, Connection taken, Random random,
                               Instant begins)
    : session(taken.session.get()),
      connection(std::move(taken)),
      habits_(habits),
      random_(random),
      next_action_(begins) {}

void ScriptedClient::act(Instant now) {
  for (uint32_t i = 0; i < habits_.burst && !has_submitted_all() && has_room(); ++i) submit(now);
  if (habits_.cancels && !open_.empty() && random_.once_in(2)) cancel_one();
  next_action_ = never;  // Without room, until results have been taken.
  if (!has_submitted_all() && has_room()) pause(now);
}

bool ScriptedClient::has_room() const {
  return !one_has_all_ && open_.size() + lent_.size() < habits_.open_max;
}

bool ScriptedClient::submits_for_tokens() {
  one_has_all_ = habits_.wants_tokens && open_.empty() && lent_.empty() && random_.once_in(2);
  return one_has_all_;
}

void ScriptedClient::pause(Instant now) { next_action_ = now + random_.about(habits_.pause) + 1; }

void ScriptedClient::submit(Instant now) {
  const uint32_t bytes = habits_.giants && random_.once_in(20)
                             ? text_bytes_max
                             : static_cast<uint32_t>(random_.about(habits_.text_bytes));
  const bool other_lane = habits_.both_lanes && random_.once_in(2);
  const Lane lane =
      other_lane ? (habits_.lane == Lane::high ? Lane::low : Lane::high) : habits_.lane;
  Sent sent{.text_bytes = bytes, .lane = lane};
  if (habits_.patience > 0 && random_.once_in(2))
    sent.deadline = now + random_.about(habits_.patience);
  const uint64_t deadline = sent.deadline == never ? 0 : static_cast<uint64_t>(sent.deadline.ns);
  // What the text says is of no matter; all lie at the beginning of the arena.
  connection.raw->push({.opcode = Opcode::embed,
                        .lane = lane_index(lane),
                        .task = next_name_,
                        .text_bytes = bytes,
                        .deadline_ns = deadline,
                        .tokens_from = submits_for_tokens() ? 1U : 0U});
  open_.emplace(next_name_++, sent);
  ++submitted_;
}

void ScriptedClient::cancel_one() {
  auto chosen = open_.begin();
  std::advance(chosen, random_.between(0, static_cast<int64_t>(open_.size()) - 1));
  chosen->second.cancelled = true;
  cancels_.emplace_back(connection.raw->region.submission_tail.value.load(), chosen->first);
  connection.raw->push({.opcode = Opcode::cancel, .task = chosen->first});
}

void ScriptedClient::take_completions(Instant now, Rules& rules) {
  RawClient& raw = *connection.raw;
  const bool had_room = has_room();
  while (connection.completions_seen != raw.completion_tail()) {
    const Completion completion = raw.completion(connection.completions_seen++);
    rules.digest(completion.task);
    rules.digest(static_cast<uint64_t>(completion.status) ^ static_cast<uint64_t>(now.ns));
    check(completion, now, rules);
    const bool has_vector = completion.status == CompletionStatus::ok;
    if (!has_vector || habits_.takes_results) one_has_all_ = false;
    if (!has_vector) continue;
    if (habits_.takes_results)
      raw.push_release(completion.slot, completion.generation);
    else
      lent_.emplace_back(completion.slot, completion.generation);
  }
  raw.consume(connection.completions_seen);
  check_cancels(rules);
  if (!had_room && has_room() && !has_submitted_all()) pause(now);
}

void ScriptedClient::check(const Completion& completion, Instant now, const Rules& rules) {
  const auto found = open_.find(completion.task);
  if (found == open_.end())
    throw Violation{
        fmt::format("P5: task {} is completed twice, or was never there", completion.task)};
  const Sent sent = found->second;
  open_.erase(found);
  const auto wrong = [&](const char* how) {
    throw Violation{fmt::format("P5: task {} {}", completion.task, how)};
  };
  switch (completion.status) {
    case CompletionStatus::ok:
      if (connection.vector(completion.slot)[0] != mark_of(completion.task))
        wrong("has another's vector");
      return;
    case CompletionStatus::expired:
      if (now < sent.deadline) wrong("expires before its deadline");
      return;
    case CompletionStatus::cancelled:
      if (!sent.cancelled) wrong("is cancelled and nobody asked for it");
      return;
    case CompletionStatus::invalid_utf8:
      if (!is_invalid(sent.text_bytes)) wrong("is told to be invalid");
      return;
    case CompletionStatus::refused:
      if (completion.retry_after_ms == 0) wrong("is refused and not told until when");
      // For work: its texts are short and are tokenized in order, so there is always room. And not
      // when a task that was cancelled in the same tick may have been there before.
      if (!habits_.giants && habits_.patience == 0 && !habits_.cancels)
        rules.check_refused(place, sent.lane);
      return;
    default:
      wrong("has a status that nothing led to");
  }
}

// The engine has read them: what has not been answered has begun.
void ScriptedClient::check_cancels(const Rules& rules) {
  const uint32_t read = connection.raw->engine.submission_head.value.load();
  std::erase_if(cancels_, [&](const auto& cancel) {
    if (static_cast<int32_t>(cancel.first - read) >= 0) return false;
    rules.check_cancelled(place, cancel.second);
    return true;
  });
}

void ScriptedClient::tidy_up() {
  for (const auto& [slot, generation] : lent_) connection.raw->push_release(slot, generation);
  lent_.clear();
  one_has_all_ = false;
}

}  // namespace hilo::simulation
