#include "cli/memory_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hilo {
namespace {

TEST(MemoryReport, NamesEachOwnerAndTheTotal) {
  EXPECT_THAT(memory_report({{"model", 3 << 20}, {"channels", 1 << 19}}),
              testing::ElementsAre("      3.0 MiB  model", "      0.5 MiB  channels",
                                   "      3.5 MiB  in all"));
}

}  // namespace
}  // namespace hilo
