// How an engine ends whose LOW work does not.
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "engine_under_test.h"
#include "latched_backend.h"
#include "scheduler/fair_queue.h"

namespace hilo {
namespace {

// Computes for ever, and only ever looks at the gate.
class EndlessBackend final : public Backend {
 public:
  uint32_t dims() const override { return 8; }
  uint32_t vocabulary() const override { return 256; }
  std::string describe() const override { return "endless"; }
  size_t bytes() const override { return 0; }
  std::unique_ptr<Workspace> make_workspace(uint32_t, uint32_t, Lane) const override {
    return std::make_unique<NoWorkspace>();
  }
  bool run(const TokenBatch&, Workspace&, const YieldGate& gate,
           std::span<float* const>) const override {
    begun_ = true;
    begun_.notify_all();
    while (gate.pass()) continue;
    return false;
  }
  void wait_until_begun() const { begun_.wait(false); }

 private:
  mutable std::atomic<bool> begun_{false};
};

const EngineOptions one_core{.threads = 1, .tokens_max = 256, .prompts = {}};

// Fails if a plan of LOW that is under way when the time is over is waited for, or not answered.
TEST(EngineStop, LowIsAbandonedWhenTheDrainIsOver) {
  const EndlessBackend backend;
  EngineUnderTest test{backend, one_core};
  hilo_client* const client = test.connect();
  const hilo_task task = submit(client, HILO_LOW, "L");
  backend.wait_until_begun();
  test.engine().drain(monotonic_now() + 5 * millisecond_ns);
  EXPECT_EQ(take_answer(client, task).status, HILO_CANCELLED);
  const Instant until = monotonic_now() + 10 * second_ns;
  while (!test.engine().drained() && monotonic_now() < until) std::this_thread::yield();
  EXPECT_TRUE(test.engine().drained());
  hilo_close(client);
}

// Fails if an engine that was never drained waits for LOW.
TEST(EngineStop, NothingIsWaitedForWithoutADrain) {
  const EndlessBackend backend;
  EngineUnderTest test{backend, one_core};
  hilo_client* const client = test.connect();
  submit(client, HILO_LOW, "L");
  backend.wait_until_begun();
  test.destroy_engine();
  EXPECT_EQ(hilo_wait(client, 10'000), HILO_ENGINE_GONE);
  hilo_close(client);
}

// A worker in the middle of a step stands for one that the kernel gives no time: neither comes to a
// gate. Fails if stopping waits for it, or cannot be taken up again when it comes.
TEST(EngineStop, HasItsDeadline) {
  LatchedBackend backend;
  EngineUnderTest test{backend, one_core};
  hilo_client* const client = test.connect();
  submit(client, HILO_LOW, "L");
  ASSERT_EQ(backend.batches(1).size(), 1U);
  EXPECT_FALSE(test.engine().stop(monotonic_now() + 5 * millisecond_ns));
  backend.permit_low(1);
  EXPECT_TRUE(test.engine().stop(never));
  hilo_close(client);
}

}  // namespace
}  // namespace hilo
