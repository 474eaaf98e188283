#include "base/heap_seal.h"

#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace hilo {
namespace {

// Fails if an allocation goes unnoticed under a seal.
TEST(HeapSealDeathTest, AllocatingUnderASealAborts) {
  if (!HeapSeal::active) GTEST_SKIP() << "HeapSeal is active in debug builds only";
  EXPECT_DEATH(
      {
        const HeapSeal seal;
        const std::string text(1000, 'a');
        std::_Exit(text.size() == 1000 ? 0 : 1);
      },
      "no allocation under a HeapSeal");
}

// Fails if a seal reaches other threads or outlives its scope.
TEST(HeapSeal, OtherThreadsAndLaterCodeAllocate) {
  std::unique_ptr<int> from_thread;
  std::thread other{[&] {
    { const HeapSeal seal; }
    from_thread = std::make_unique<int>(1);
  }};
  other.join();
  EXPECT_EQ(*from_thread, 1);
}

}  // namespace
}  // namespace hilo
