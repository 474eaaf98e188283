// Both ends as threads of one process over one mapping. The thread sanitizer sees races only there:
// two mappings of the same memory are different addresses to it.
#include <atomic>
#include <linux/futex.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "channel/raw_client.h"
#include "client/rings.h"
#include "client/test_engine.h"

namespace hilo {
namespace {

class OneMappingTest : public testing::Test {
 protected:
  // The engine's mapping of the C-region becomes writable, before it would be sealed.
  ClientRegion& writable_client_region() {
    const Mapping& mapping = channel_.session->client_mapping();
    EXPECT_EQ(::mprotect(mapping.data(), mapping.bytes(), PROT_READ | PROT_WRITE), 0);
    return *static_cast<ClientRegion*>(mapping.data());
  }

  // Serves `tasks` tasks. Sleeps without a timeout, so a lost wake-up is for ever.
  void serve(uint32_t tasks) {
    std::string text;
    Submission entry;
    while (tasks > 0) {
      if (session_.next(entry) == Session::Next::entry) {
        text.resize(entry.text_bytes);
        session_.copy_text(entry, text);
        const Session::Slot slot = session_.open_task();
        session_.advance();
        session_.slot_vector(slot.index)[0] = test_value(text, 0);
        session_.complete(slot, {.task = entry.task, .status = CompletionStatus::ok});
        session_.flush();
        --tasks;
        continue;
      }
      session_.set_need_wakeup(true);
      if (!session_.has_submissions()) {
        pollfd rung{.fd = session_.doorbell(), .events = POLLIN, .revents = 0};
        ::poll(&rung, 1, -1);
        eventfd_t count;
        ::eventfd_read(session_.doorbell(), &count);
      }
      session_.set_need_wakeup(false);
    }
  }

  TestChannel channel_{test_spec};
  Session& session_ = *channel_.session;
  Rings rings_{writable_client_region(),
               *static_cast<const EngineRegion*>(session_.engine_mapping().data()), test_spec.dims};
};

// Goal: no wake-up is lost and no race is seen, over many sleeps on both sides.
// Method: no wait has a timeout, so one lost wake-up stops the test. A window of one to three open
// tasks makes both sides sleep often, at changing points.
TEST_F(OneMappingTest, NoWakeUpIsLost) {
  constexpr uint32_t tasks = 60'000;
  std::thread engine{[this] { serve(tasks); }};
  std::string text;
  uint32_t sleeps = 0;
  std::array<hilo_result, 4> results;
  for (uint32_t submitted = 0, finished = 0; finished < tasks;) {
    for (const uint32_t window = 1 + finished % 3;
         submitted < tasks && submitted - finished < window; ++submitted) {
      text = std::to_string(submitted);
      hilo_task task;
      ASSERT_EQ(rings_.stage({}, {text}, &task), HILO_OK);
      if (rings_.publish()) ::eventfd_write(session_.doorbell(), 1);
    }
    while (!rings_.has_completions()) {
      rings_.arm_futex();
      const uint32_t seen = rings_.completion_word().load();
      if (rings_.has_completions()) break;
      ++sleeps;
      ::syscall(SYS_futex, &rings_.completion_word(), FUTEX_WAIT, seen, nullptr, nullptr, 0);
    }
    const size_t taken = rings_.take(results);
    for (size_t i = 0; i < taken; ++i) {
      ASSERT_EQ(results[i].vector[0], test_value(std::to_string(finished), 0));
      ASSERT_EQ(rings_.release(results[i].task), HILO_OK);
      ++finished;
    }
  }
  engine.join();
  EXPECT_GT(sleeps, tasks / 100) << "the client hardly slept, so this run showed little";
  EXPECT_FALSE(rings_.broken());
}

// Goal: indices survive their wrap-around: both ends agree after the rings went round many times
// with all of the arena in use.
TEST_F(OneMappingTest, ManyTasksInFlight) {
  constexpr uint32_t tasks = 100'000;
  std::thread engine{[this] { serve(tasks); }};
  std::string text;
  std::array<hilo_result, 32> results;
  for (uint32_t submitted = 0, finished = 0; finished < tasks;) {
    for (; submitted < tasks; ++submitted) {
      text.assign(submitted % 31 == 0 ? 20'000 : submitted % 50, 'x');
      hilo_task task;
      if (rings_.stage({}, {text}, &task) != HILO_OK) break;
    }
    if (rings_.publish()) ::eventfd_write(session_.doorbell(), 1);
    const size_t taken = rings_.take(results);
    if (taken == 0) std::this_thread::yield();
    for (size_t i = 0; i < taken; ++i) {
      const uint32_t number = finished++;
      text.assign(number % 31 == 0 ? 20'000 : number % 50, 'x');
      ASSERT_EQ(results[i].vector[0], test_value(text, 0)) << number;
      ASSERT_EQ(rings_.release(results[i].task), HILO_OK);
    }
  }
  engine.join();
  EXPECT_EQ(session_.releases_ignored(), 0U);
}

// Goal: an engine that completes what was never submitted is recognised as broken.
TEST_F(OneMappingTest, ABrokenEngineIsRecognised) {
  hilo_task task;
  ASSERT_EQ(rings_.stage({}, {"x"}, &task), HILO_OK);
  static_cast<void>(rings_.publish());
  Submission entry;
  ASSERT_EQ(session_.next(entry), Session::Next::entry);
  const Session::Slot slot = session_.open_task();
  session_.advance();
  session_.complete(slot, {.task = task + 1, .status = CompletionStatus::ok});
  session_.flush();
  hilo_result result;
  EXPECT_EQ(rings_.take({&result, 1}), 0U);
  EXPECT_TRUE(rings_.broken());
}

// Goal: an engine whose vectors of tokens begin in another slot than the first is recognised as
// broken: a caller would read past the region.
TEST_F(OneMappingTest, VectorsOfTokensBeginInTheFirstSlot) {
  hilo_task task;
  ASSERT_EQ(rings_.stage({.tokens_from = 1}, {"x"}, &task), HILO_OK);
  static_cast<void>(rings_.publish());
  Submission entry;
  ASSERT_EQ(session_.next(entry), Session::Next::entry);
  session_.open_task();
  const Session::Slot second = session_.open_task();
  ASSERT_EQ(second.index, 1U);
  session_.advance();
  session_.complete(second, {.task = task, .status = CompletionStatus::ok, .tokens = 256});
  session_.flush();
  hilo_result result;
  EXPECT_EQ(rings_.take({&result, 1}), 0U);
  EXPECT_TRUE(rings_.broken());
}

}  // namespace
}  // namespace hilo
