// That the GPU on the host finds what is wrong with a kernel: each test has a kernel with one
// mistake in it.
#include "backend/cuda/host/simt_shim.h"

#include <cmath>
#include <cstdlib>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cuda/kernels/simt.h"

namespace hilo::simt {
namespace {

constexpr uint32_t threads = 64;

struct Out {
  float* numbers;
  bool flag = false;
};

struct Numbers {
  float of_thread[threads];
};

std::vector<float> run(void (*kernel)(Out), Order order) {
  set_order(order);
  std::vector<float> numbers(threads);
  EXPECT_EQ(launch(kernel, {1}, threads, Out{numbers.data()}, nullptr), 0) << fault();
  set_order(Order::ascending);
  return numbers;
}

std::string fault_of(void (*kernel)(Out)) {
  std::vector<float> numbers(threads);
  EXPECT_EQ(launch(kernel, {1}, threads, Out{numbers.data()}, nullptr), launch_failure);
  return fault();
}

// Twice: everybody writes a number, then reads the neighbour's of the other warp.
enum class Leaves { nothing, read_after_write, write_after_read };

template <Leaves Mistake>
SIMT_KERNEL(threads)
exchange(Out out) {
  SIMT_SHARED(Numbers, shared);
  float sum = 0.0F;
  for (uint32_t round = 1; round <= 2; ++round) {
    shared.of_thread[thread()] = static_cast<float>(round * (thread() + 1));
    if (Mistake != Leaves::read_after_write) sync_block();
    sum += shared.of_thread[(thread() + warp_threads) % threads];
    if (Mistake != Leaves::write_after_read) sync_block();
  }
  out.numbers[thread()] = sum;
}

std::vector<float> exchanged() {
  std::vector<float> sums;
  for (uint32_t i = 0; i < threads; ++i)
    sums.push_back(3.0F * static_cast<float>((i + warp_threads) % threads + 1));
  return sums;
}

TEST(SimtShim, ACorrectKernelGivesTheSameInEveryOrder) {
  for (const Order order : all_orders)
    EXPECT_EQ(run(exchange<Leaves::nothing>, order), exchanged());
}

#if !defined(__SANITIZE_THREAD__)
bool shows(void (*kernel)(Out), Order order) {
  const std::vector<float> sums = run(kernel, order);
  const std::vector<float> right = exchanged();
  return sums != right;
}

TEST(SimtShim, ShowsThatABarrierIsMissingBeforeReading) {
  for (const Order order : all_orders)
    EXPECT_TRUE(shows(exchange<Leaves::read_after_write>, order)) << static_cast<int>(order);
}

// Threads that run in step do not show it, wherever they begin.
TEST(SimtShim, ShowsThatABarrierIsMissingBeforeWritingAgain) {
  EXPECT_TRUE(shows(exchange<Leaves::write_after_read>, Order::warps_ascending));
  EXPECT_TRUE(shows(exchange<Leaves::write_after_read>, Order::warps_descending));
}
#else
// Under this sanitizer every order shows it, even one that gives the right numbers.
TEST(SimtShim, TellsTheThreadSanitizerWhatIsNotOrdered) {
  const auto run_and_leave = [](void (*kernel)(Out)) {
    run(kernel, Order::ascending);
    std::exit(0);
  };
  EXPECT_DEATH(run_and_leave(exchange<Leaves::write_after_read>), "data race");
  EXPECT_DEATH(run_and_leave(exchange<Leaves::read_after_write>), "data race");
}
#endif

SIMT_KERNEL(threads) divergent_shuffle(Out out) {
  if (lane() < 16) out.numbers[thread()] = shuffle_xor(1.0F, 1);
}

TEST(SimtShim, RefusesAShuffleThatSomeLanesDoNotReach) {
  EXPECT_THAT(fault_of(divergent_shuffle), testing::HasSubstr("some lanes never come"));
  EXPECT_THAT(fault(), testing::HasSubstr("from thread 16: ended"));
}

SIMT_KERNEL(threads) shuffles_of_two_places(Out out) {
  if (lane() < 16)
    out.numbers[thread()] = shuffle_xor(1.0F, 1);
  else
    out.numbers[thread()] = shuffle_xor(1.0F, 1);
}

TEST(SimtShim, RefusesAShuffleThatIsReachedInTwoPlaces) {
  EXPECT_THAT(fault_of(shuffles_of_two_places), testing::HasSubstr("some lanes never come"));
}

SIMT_KERNEL(threads) divergent_barrier(Out out) {
  if (thread() >= warp_threads) return;
  sync_block();
  out.numbers[thread()] = 1.0F;
}

TEST(SimtShim, RefusesABarrierThatSomeThreadsDoNotReach) {
  EXPECT_THAT(fault_of(divergent_barrier), testing::HasSubstr("not reached by all threads"));
}

SIMT_KERNEL(threads) barriers_of_two_places(Out out) {
  if (warp() == 0)
    sync_block();
  else
    sync_block();
  out.numbers[thread()] = 1.0F;
}

TEST(SimtShim, RefusesABarrierThatIsReachedInTwoPlaces) {
  EXPECT_THAT(fault_of(barriers_of_two_places), testing::HasSubstr("not reached by all threads"));
}

SIMT_KERNEL(threads) reads_what_nobody_wrote(Out out) {
  SIMT_SHARED(Numbers, shared);
  out.numbers[thread()] = shared.of_thread[thread()];
  shared.of_thread[thread()] = 1.0F;
}

// Also in the second block, which finds the memory that the first one wrote.
TEST(SimtShim, UnwrittenSharedMemoryIsNotANumber) {
  std::vector<float> numbers(threads);
  ASSERT_EQ(launch(reads_what_nobody_wrote, {2}, threads, Out{numbers.data()}, nullptr), 0);
  for (const float number : numbers) EXPECT_TRUE(std::isnan(number));
}

SIMT_KERNEL(threads) sums(Out out) {
  out.numbers[thread()] = warp_sum(static_cast<float>(thread())) +
                          max_of_lanes<warp_threads>(-static_cast<float>(lane()));
}

TEST(SimtShim, ShufflesWithinAWarp) {
  for (const Order order : all_orders) {
    const std::vector<float> numbers = run(sums, order);
    for (uint32_t i = 0; i < threads; ++i)
      EXPECT_EQ(numbers[i], i < warp_threads ? 496.0F : 1520.0F);
  }
}

TEST(SimtShim, ALaunchAfterAFaultWorks) {
  EXPECT_NE(fault_of(divergent_barrier), "");
  EXPECT_EQ(run(exchange<Leaves::nothing>, Order::ascending), exchanged());
  EXPECT_EQ(fault(), "");
}

}  // namespace
}  // namespace hilo::simt
