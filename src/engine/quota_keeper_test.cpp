#include "engine/quota_keeper.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "channel/test_folder.h"

namespace hilo {
namespace {

// The kernel's files, and what LOW has spent, are the test's.
class QuotaKeeperTest : public ::testing::Test {
 protected:
  QuotaKeeperTest() {
    std::filesystem::create_directories(root_ + "/proc/self");
    std::filesystem::create_directories(root_ + "/group");
    std::ofstream{root_ + "/proc/self/cgroup"} << "0::/\n";
    std::ofstream{root_ + "/proc/self/mountinfo"}
        << "30 23 0:26 / /group rw - cgroup2 cgroup2 rw\n";
    std::ofstream{root_ + "/group/cpu.stat"} << "usage_usec 0\nnr_throttled 0\n";
  }
  void set_quota(const std::string& line) const {
    std::ofstream{root_ + "/next"} << line << '\n';
    std::filesystem::rename(root_ + "/next", root_ + "/group/cpu.max");
  }
  std::unique_ptr<QuotaKeeper> make_keeper() {
    return std::make_unique<QuotaKeeper>(
        QuotaKeeperOptions{.gates = {&gates_[0], &gates_[1]},
                           .low_spent = [this] { return spent_.load(); },
                           .reading_interval = 5 * millisecond_ns,
                           .root = root_},
        low_begins_);
  }
  // False after ten seconds. LOW goes on spending meanwhile, if it does.
  bool gates_come_to(bool closed, Nanoseconds spends) {
    const Instant until = monotonic_now() + 10 * second_ns;
    while (gates_[0].is_closed() != closed || gates_[1].is_closed() != closed) {
      if (monotonic_now() > until) return false;
      spent_ += spends;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return true;
  }
  bool low_is_stopped() { return gates_come_to(true, second_ns); }
  bool low_goes_on() { return gates_come_to(false, 0); }

  TestFolder folder_;
  const std::string& root_ = folder_.path();
  std::array<YieldGate, 2> gates_;
  std::atomic<Nanoseconds> spent_{0};
  Bell low_begins_;
};

// Fails if LOW spends more than the quota without being stopped, or never goes on.
TEST_F(QuotaKeeperTest, StopsLowThatSpentTooMuch) {
  set_quota("50000 50000");
  const auto keeper = make_keeper();
  EXPECT_TRUE(low_is_stopped());
  EXPECT_TRUE(low_goes_on());
}

// Fails if a quota that comes or goes while the engine runs is not followed. A period of an hour:
// LOW does not go on for any other reason.
TEST_F(QuotaKeeperTest, FollowsAQuotaThatComesAndGoes) {
  const auto keeper = make_keeper();
  set_quota("3600000000 3600000000");
  EXPECT_TRUE(low_is_stopped());
  set_quota("max 100000");
  EXPECT_TRUE(low_goes_on());
}

// Fails if LOW workers cannot end because they stand at a gate.
TEST_F(QuotaKeeperTest, LeavesTheGatesOpen) {
  set_quota("3600000000 3600000000");
  auto keeper = make_keeper();
  EXPECT_TRUE(low_is_stopped());
  keeper.reset();
  EXPECT_FALSE(gates_[0].is_closed());
  EXPECT_FALSE(gates_[1].is_closed());
}

// Fails if LOW is stopped where there is no quota, whatever it spends.
TEST_F(QuotaKeeperTest, WithoutAQuotaLowIsNeverStopped) {
  const auto keeper = make_keeper();
  for (int i = 0; i < 50; ++i) {
    spent_ += second_ns;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    ASSERT_FALSE(gates_[0].is_closed());
  }
}

}  // namespace
}  // namespace hilo
