#include "supervisor/restart_policy.h"

#include <csignal>
#include <limits>

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr ExitReason success{ExitReason::Kind::exited, 0};
constexpr ExitReason failure{ExitReason::Kind::exited, 1};
constexpr ExitReason crash{ExitReason::Kind::killed, SIGSEGV};

constexpr ExitReason hopeless{ExitReason::Kind::exited, 2};
constexpr ExitReason killed_by_2{ExitReason::Kind::killed, 2};

constexpr RestartPolicy on_failure{.when = RestartWhen::on_failure,
                                   .delay_first = 100,
                                   .delay_max = 1000,
                                   .settled_after = 60'000,
                                   .in_a_row_max = 6,
                                   .hopeless_status = 2};

// Goal: each rule of the policy, at and beside its limits. Method: a table; delay -1 means no
// restart.
TEST(RestartPolicy, Table) {
  struct Row {
    const char* rule;
    RestartWhen when;
    ExitReason reason;
    Nanoseconds ran_for;
    uint32_t in_a_row;
    Nanoseconds delay;
    uint32_t in_a_row_then;
  };
  const Row rows[] = {
      {"never means never", RestartWhen::never, failure, 10, 0, -1, 0},
      {"never, after a crash", RestartWhen::never, crash, 10, 0, -1, 0},
      {"a success is the end", RestartWhen::on_failure, success, 10, 0, -1, 0},
      {"a success after failures, too", RestartWhen::on_failure, success, 10, 3, -1, 0},
      {"the first failure waits delay_first", RestartWhen::on_failure, failure, 10, 0, 100, 1},
      {"a crash is a failure", RestartWhen::on_failure, crash, 10, 0, 100, 1},
      {"the second waits twice as long", RestartWhen::on_failure, failure, 10, 1, 200, 2},
      {"the fourth eight times", RestartWhen::on_failure, failure, 10, 3, 800, 4},
      {"no wait exceeds delay_max", RestartWhen::on_failure, failure, 10, 4, 1000, 5},
      {"the last one allowed", RestartWhen::on_failure, failure, 10, 5, 1000, 6},
      {"then it is given up", RestartWhen::on_failure, failure, 10, 6, -1, 0},
      {"just not settled", RestartWhen::on_failure, failure, 59'999, 6, -1, 0},
      {"a hopeless status is for good", RestartWhen::on_failure, hopeless, 60'000, 0, -1, 0},
      {"a signal of that number is not", RestartWhen::on_failure, killed_by_2, 10, 0, 100, 1},
      {"a settled run ends the row", RestartWhen::on_failure, failure, 60'000, 6, 100, 1},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule);
    RestartPolicy policy = on_failure;
    policy.when = row.when;
    const auto restart = plan_restart(policy, row.reason, row.ran_for, row.in_a_row);
    ASSERT_EQ(restart.has_value(), row.delay >= 0);
    if (!restart) continue;
    EXPECT_EQ(restart->delay, row.delay);
    EXPECT_EQ(restart->in_a_row, row.in_a_row_then);
  }
}

// Goal: no overflow however often a program fails and however large the limits are.
TEST(RestartPolicy, DoublingNeverOverflows) {
  RestartPolicy policy = on_failure;
  policy.delay_max = std::numeric_limits<Nanoseconds>::max();
  policy.in_a_row_max = std::numeric_limits<uint32_t>::max();
  Nanoseconds previous = 0;
  for (uint32_t in_a_row = 0; in_a_row < 200; ++in_a_row) {
    const auto restart = plan_restart(policy, failure, 0, in_a_row);
    ASSERT_TRUE(restart.has_value());
    EXPECT_GE(restart->delay, previous);
    previous = restart->delay;
  }
  EXPECT_EQ(previous, policy.delay_max);
}

}  // namespace
}  // namespace hilo
