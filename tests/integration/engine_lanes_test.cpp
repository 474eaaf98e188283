// What the two lanes promise, shown with a backend that computes only when it is told to. One core,
// so one HIGH and one LOW worker.
#include <cstring>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "engine/text_ring.h"
#include "engine_under_test.h"
#include "latched_backend.h"

namespace hilo {
namespace {

class EngineLanes : public ::testing::Test {
 protected:
  // However a test ends, the workers can.
  void TearDown() override {
    permit_everything();
    hilo_close(client_);
  }
  void permit_everything() {
    backend_.permit_high(LatchedBackend::unlimited);
    backend_.permit_low(LatchedBackend::unlimited);
  }
  std::vector<float> expected(const std::string& text) const {
    return echo_of(text, backend_.dims(), 256);
  }
  // As many tokens as a LOW batch of several texts may have, so that it goes alone.
  const std::string whole_batch_ = "L" + std::string(127, 'x');

  LatchedBackend backend_;
  EngineUnderTest test_{backend_, {.threads = 1, .tokens_max = 256, .prompts = {}}};
  hilo_client* client_ = test_.connect();
};

// Fails if a HIGH task waits for LOW work under way, or for LOW work that was queued before it.
TEST_F(EngineLanes, HighOvertakesLow) {
  std::vector<std::pair<hilo_task, std::string>> low;
  for (int i = 0; i < 50; ++i) {
    const std::string text = "L" + std::to_string(i);
    low.emplace_back(submit(client_, HILO_LOW, text), text);
  }
  ASSERT_GE(backend_.batches(1).size(), 1U);  // LOW is being computed, and cannot finish.

  backend_.permit_high(1);
  const Answer high = embed(client_, HILO_HIGH, "H");
  EXPECT_EQ(high.status, HILO_OK);
  EXPECT_EQ(high.vector, expected("H"));

  permit_everything();
  for (const auto& [task, text] : low) EXPECT_EQ(take_answer(client_, task).vector, expected(text));
}

// Fails if LOW work goes on while the HIGH worker of its core computes.
TEST_F(EngineLanes, LowStandsAtTheGateWhileHighComputes) {
  const hilo_task low = submit(client_, HILO_LOW, "L");
  ASSERT_EQ(backend_.batches(1).size(), 1U);
  const hilo_task high = submit(client_, HILO_HIGH, "H");
  ASSERT_EQ(backend_.batches(2).size(), 2U);
  backend_.permit_low(1);  // LOW may finish, were it not for the gate.
  EXPECT_EQ(hilo_wait(client_, 50), HILO_TIMED_OUT);
  backend_.permit_high(1);
  EXPECT_EQ(take_answer(client_, high).status, HILO_OK);
  EXPECT_EQ(take_answer(client_, low).status, HILO_OK);
}

// Fails if lanes share a batch, if a LOW batch of several texts has more than 128 tokens, or if
// texts that wait together never share one.
TEST_F(EngineLanes, BatchesAreSmallAndOfOneLane) {
  submit(client_, HILO_LOW, whole_batch_);
  ASSERT_EQ(backend_.batches(1).size(), 1U);  // Before HIGH, which would keep it at the gate.
  submit(client_, HILO_HIGH, "H");
  ASSERT_EQ(backend_.batches(2).size(), 2U);
  for (size_t i = 0; i < 200; ++i) {
    const bool high = i % 3 == 0;
    submit(client_, high ? HILO_HIGH : HILO_LOW,
           std::string(high ? "H" : "L").append(1 + i * 7 % 200, 'x'));
  }
  permit_everything();
  for (int i = 0; i < 202; ++i) EXPECT_EQ(take_one(client_).status, HILO_OK);

  size_t shared = 0;
  for (const LatchedBackend::Batch& batch : backend_.batches(1)) {
    size_t tokens = 0;
    for (const std::string& text : batch) {
      EXPECT_EQ(text[0], batch[0][0]) << "a batch of two lanes";
      tokens += text.size();
    }
    if (batch.size() == 1) continue;
    ++shared;
    EXPECT_LE(tokens, 128U);
  }
  EXPECT_GT(shared, 0U);
}

// Fails if work that has not begun cannot be cancelled because a worker has it in its mailbox; if
// work under way is cancelled; or if a task gets no result, or two.
TEST_F(EngineLanes, WhatHasNotBegunIsCancelled) {
  std::set<hilo_task> unanswered;
  for (int i = 0; i < 20; ++i) unanswered.insert(submit(client_, HILO_LOW, whole_batch_));
  ASSERT_EQ(backend_.batches(1).size(), 1U);
  for (const hilo_task task : unanswered) EXPECT_EQ(hilo_cancel(client_, task), HILO_OK);

  for (int i = 0; i < 19; ++i) {
    const hilo_result result = take_one(client_);
    EXPECT_EQ(result.status, HILO_CANCELLED);
    EXPECT_EQ(unanswered.erase(result.task), 1U);
  }
  permit_everything();
  const hilo_result begun = take_one(client_);
  EXPECT_EQ(begun.status, HILO_OK);
  EXPECT_EQ(unanswered.erase(begun.task), 1U);
  EXPECT_EQ(backend_.batches(1).size(), 1U) << "cancelled work was computed";
}

// Fails if an expired task is told only when its turn comes, or is computed all the same.
TEST_F(EngineLanes, ATaskExpiresWhileItWaits) {
  std::vector<hilo_task> before;
  for (int i = 0; i < 3; ++i) before.push_back(submit(client_, HILO_LOW, whole_batch_));
  ASSERT_EQ(backend_.batches(1).size(), 1U);

  hilo_submit_options options = options_for(HILO_LOW);
  options.timeout_ms = 20;
  const hilo_text late{"Late", 4};
  hilo_task task = 0;
  size_t submitted = 0;
  ASSERT_EQ(hilo_submit_many(client_, &options, &late, 1, &task, &submitted), HILO_OK);
  EXPECT_EQ(take_answer(client_, task).status, HILO_EXPIRED);

  permit_everything();
  for (const hilo_task done : before) EXPECT_EQ(take_answer(client_, done).status, HILO_OK);
  for (const LatchedBackend::Batch& batch : backend_.batches(3)) EXPECT_NE(batch[0], "Late");
}

// Fails if a batch that could not be computed gives a vector, or harms the next one.
TEST_F(EngineLanes, AFailedBatchIsTold) {
  permit_everything();
  EXPECT_EQ(embed(client_, HILO_HIGH, "Hbroken").status, HILO_FAILED);
  EXPECT_EQ(embed(client_, HILO_HIGH, "Hwhole").status, HILO_OK);
}

// Fails if admitted work is lost in a drain, new work is taken, or the end is not told.
TEST_F(EngineLanes, DrainFinishesWhatWasAdmitted) {
  const hilo_task admitted = submit(client_, HILO_LOW, "L");
  ASSERT_EQ(backend_.batches(1).size(), 1U);
  test_.engine().drain(monotonic_now() + 10 * second_ns);
  const hilo_task refused = submit(client_, HILO_LOW, "Lx");
  EXPECT_EQ(take_answer(client_, refused).status, HILO_SHUTTING_DOWN);
  EXPECT_FALSE(test_.engine().drained());

  permit_everything();
  EXPECT_EQ(take_answer(client_, admitted).status, HILO_OK);
  const Instant until = monotonic_now() + 5 * second_ns;
  while (!test_.engine().drained() && monotonic_now() < until) std::this_thread::yield();
  EXPECT_TRUE(test_.engine().drained());
}

// Fails if waiting work outlives the deadline of a drain, an earlier second order is ignored, or
// LOW work under way goes on behind its next gate, be it open or closed.
TEST_F(EngineLanes, DrainCancelsWhatIsLeftAtItsDeadline) {
  for (int i = 0; i < 10; ++i) submit(client_, HILO_LOW, whole_batch_);
  ASSERT_EQ(backend_.batches(1).size(), 1U);
  const hilo_task high = submit(client_, HILO_HIGH, "H");
  ASSERT_EQ(backend_.batches(2).size(), 2U);
  test_.engine().drain(monotonic_now() + 100 * second_ns);
  test_.engine().drain(monotonic_now() + 20 * millisecond_ns);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(take_one(client_).status, HILO_CANCELLED);
  backend_.permit_low(1);
  EXPECT_EQ(take_one(client_).status, HILO_CANCELLED);
  permit_everything();
  EXPECT_EQ(take_answer(client_, high).status, HILO_OK);
}

// Fails if LOW texts for which there is no room wait at the head of their channel, with the HIGH
// text behind them; if they take the room of another client; or if they are not answered.
TEST_F(EngineLanes, ALowTextWithoutRoomIsInNobodysWay) {
  for (int i = 0; i < 2; ++i) submit(client_, HILO_LOW, whole_batch_);
  ASSERT_EQ(backend_.batches(1).size(), 1U);  // Nothing of LOW is tokenized from here on.
  const Stranger greedy = test_.connect_stranger();
  const std::string giant = "L" + std::string(text_bytes_max - 1, 'g');
  std::memcpy(greedy.raw->region.text.data(), giant.data(), giant.size());
  const auto push_giant = [&](uint64_t name) {
    greedy.raw->push({.opcode = Opcode::embed,
                      .lane = lane_index(Lane::low),
                      .task = name,
                      .text_bytes = text_bytes_max});
  };
  constexpr uint32_t admitted = TextRing::room / text_bytes_max;
  for (uint32_t i = 0; i < admitted; ++i) push_giant(i);
  constexpr uint32_t refused = 10;
  for (uint32_t i = 0; i < refused; ++i) {
    push_giant(admitted + i);
    const Completion completion = wait_for_completion(*greedy.raw, i);
    EXPECT_EQ(completion.task, admitted + i);
    EXPECT_EQ(completion.status, CompletionStatus::refused);
    EXPECT_GT(completion.retry_after_ms, 0U);
  }
  backend_.permit_high(1);
  greedy.raw->push_embed(77, "H", text_bytes_max);
  EXPECT_EQ(wait_for_completion(*greedy.raw, refused).status, CompletionStatus::ok);

  submit(client_, HILO_LOW, giant);
  permit_everything();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take_one(client_).status, HILO_OK);
  const Instant until = monotonic_now() + 10 * second_ns;
  while (greedy.raw->completion_tail() < refused + 1 + admitted && monotonic_now() < until)
    std::this_thread::yield();
  for (uint32_t i = 0; i < admitted; ++i)
    EXPECT_EQ(greedy.raw->completion(refused + 1 + i).status, CompletionStatus::ok);
}

// Fails if the engine has less room for a client's texts than the library says, so that one which
// is alone is refused.
TEST_F(EngineLanes, WhoIsAloneIsNotRefused) {
  submit(client_, HILO_LOW, whole_batch_);
  ASSERT_EQ(backend_.batches(1).size(), 1U);  // Nothing of LOW is tokenized from here on.
  const std::string giant = "L" + std::string(text_bytes_max - 1, 'g');
  uint32_t open = 0;
  while (open < text_bytes_open_max / text_bytes_max - 1) {
    hilo_task task = 0;
    const hilo_status status = hilo_submit(client_, HILO_LOW, giant.data(), giant.size(), &task);
    if (status == HILO_OK) ++open;
    if (status == HILO_FULL) std::this_thread::yield();  // Until the engine has copied the others.
  }
  permit_everything();
  for (uint32_t round = 0; round < 50; ++round) {
    const hilo_result result = take_one(client_);
    EXPECT_EQ(result.status, HILO_OK);
    EXPECT_EQ(hilo_release(client_, result.task), HILO_OK);
    hilo_task task = 0;
    while (hilo_submit(client_, HILO_LOW, giant.data(), giant.size(), &task) == HILO_OK) ++open;
  }
  for (uint32_t left = open + 1 - 50; left > 0; --left)
    EXPECT_EQ(take_one(client_).status, HILO_OK);
}

}  // namespace
}  // namespace hilo
