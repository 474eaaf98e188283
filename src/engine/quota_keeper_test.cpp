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
  std::unique_ptr<QuotaKeeper> make_keeper(Nanoseconds reading_interval = 5 * millisecond_ns) {
    return std::make_unique<QuotaKeeper>(
        QuotaKeeperOptions{.gates = {&gates_[0], &gates_[1]},
                           .low_spent =
                               [this] {
                                 ++looks_;
                                 return spent_.load();
                               },
                           .low_has_work = [this] { return has_work_.load(); },
                           .reading_interval = reading_interval,
                           .root = root_},
        low_begins_);
  }
  // False after ten seconds. LOW goes on spending meanwhile, if it does.
  bool gates_come_to(bool shut, Nanoseconds spends) {
    const Instant until = monotonic_now() + 10 * second_ns;
    while (gates_[0].is_shut() != shut || gates_[1].is_shut() != shut) {
      if (monotonic_now() > until) return false;
      spent_ += spends;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return true;
  }
  // Of many looks there is a reading between some. False after ten seconds.
  bool looks_come() {
    const Instant until = monotonic_now() + 10 * second_ns;
    for (const int before = looks_; looks_ < before + 50;) {
      if (monotonic_now() > until) return false;
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
  std::atomic<bool> has_work_{true};
  std::atomic<int> looks_{0};
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
  EXPECT_FALSE(gates_[0].is_shut());
  EXPECT_FALSE(gates_[1].is_shut());
}

// Fails if LOW that has stood at the gate is taken for idle when it may go on: the next look would
// be a period later, here an hour.
TEST_F(QuotaKeeperTest, LooksAgainWhileLowHasWork) {
  set_quota("3600000000 3600000000");
  const auto keeper = make_keeper(3600 * second_ns);
  EXPECT_TRUE(looks_come());
}

// Fails if a LOW worker that begins is not looked at before an idle period is over.
TEST_F(QuotaKeeperTest, IdleLowRingsWhenItBegins) {
  has_work_ = false;
  set_quota("3600000000 3600000000");
  const auto keeper = make_keeper(3600 * second_ns);
  while (looks_ < 2) std::this_thread::yield();  // The pacer begins with one, and looks once.
  has_work_ = true;
  low_begins_.ring();
  EXPECT_TRUE(looks_come());
}

// Fails if a quota that cannot be read for a moment is taken for none: a folder stands where the
// file was.
TEST_F(QuotaKeeperTest, AnUnreadableQuotaIsNotNone) {
  set_quota("3600000000 3600000000");
  const auto keeper = make_keeper();
  EXPECT_TRUE(low_is_stopped());
  spent_ += 3600 * second_ns;  // It may not go on however long the rest of this takes.
  std::filesystem::create_directory_symlink(root_, root_ + "/next");
  std::filesystem::rename(root_ + "/next", root_ + "/group/cpu.max");
  EXPECT_TRUE(looks_come());
  EXPECT_TRUE(gates_[0].is_shut());
  EXPECT_TRUE(gates_[1].is_shut());
}

// Fails if LOW is stopped where there is no quota, whatever it spends.
TEST_F(QuotaKeeperTest, WithoutAQuotaLowIsNeverStopped) {
  const auto keeper = make_keeper();
  for (int i = 0; i < 50; ++i) {
    spent_ += second_ns;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    ASSERT_FALSE(gates_[0].is_shut());
  }
}

}  // namespace
}  // namespace hilo
