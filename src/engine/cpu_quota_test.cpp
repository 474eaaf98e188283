// What real kernels and container runtimes show, written into a folder that stands for the root.
#include "engine/cpu_quota.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "channel/test_folder.h"

namespace hilo {
namespace {

constexpr Nanoseconds millisecond = millisecond_ns;

class CpuQuotaFiles : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& contents) const {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file} << contents;
  }
  void write_v2(const std::string& group, const std::string& top = "/") const {
    write("/proc/self/cgroup", "0::" + group + "\n");
    write("/proc/self/mountinfo",
          "21 26 0:20 / /proc rw,nosuid - proc proc rw\n"
          "30 23 0:26 " +
              top + " /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  void write_v1(const std::string& group, const std::string& top) const {
    write("/proc/self/cgroup",
          "12:memory:/elsewhere\n4:cpuset:/\n3:cpu,cpuacct:" + group + "\n0::/\n");
    write("/proc/self/mountinfo",
          "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
          "33 31 0:30 " +
              top +
              " /sys/fs/cgroup/cpu,cpuacct ro,relatime - cgroup cgroup rw,cpu,cpuacct\n"
              "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  }
  std::optional<CpuQuota> quota() const {
    const auto tightest = tightest_quota(root_).value();
    return tightest ? std::optional{tightest->quota} : std::nullopt;
  }

  TestFolder folder_;
  const std::string& root_ = folder_.path();
};

// Fails if a machine without control groups, or with unlimited ones, is thought to have a quota.
TEST_F(CpuQuotaFiles, NoQuota) {
  EXPECT_EQ(quota(), std::nullopt);
  write_v2("/user.slice/session-2.scope");
  EXPECT_EQ(quota(), std::nullopt);
  write("/sys/fs/cgroup/user.slice/session-2.scope/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  write_v1("/", "/");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

// Fails if the quota of a container that has a control group namespace is overlooked.
TEST_F(CpuQuotaFiles, ContainerOfV2) {
  write_v2("/");
  write("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(quota(), (CpuQuota{150 * millisecond, 100 * millisecond}));
}

// Fails if not the group that binds first is followed: a pod's limit is below its container's, and
// amounts are of different periods.
TEST_F(CpuQuotaFiles, TheTightestOfNestedGroups) {
  write_v2("/pod/container");
  write("/sys/fs/cgroup/pod/container/cpu.max", "400000 100000\n");
  write("/sys/fs/cgroup/pod/cpu.max", "500000 250000\n");
  const auto tightest = tightest_quota(root_).value();
  ASSERT_TRUE(tightest);
  EXPECT_EQ(tightest->quota, (CpuQuota{500 * millisecond, 250 * millisecond}));
  EXPECT_EQ(tightest->folder, root_ + "/sys/fs/cgroup/pod");
  EXPECT_EQ(tightest->quota.cores(), 2);
}

// Fails if the path that a container's group has outside is looked for inside.
TEST_F(CpuQuotaFiles, ContainerOfV1) {
  write_v1("/docker/4f2a", "/docker/4f2a");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), (CpuQuota{50 * millisecond, 100 * millisecond}));
}

TEST_F(CpuQuotaFiles, GroupOfV1) {
  write_v1("/system.slice/hilo.service", "/");
  write("/sys/fs/cgroup/cpu,cpuacct/system.slice/hilo.service/cpu.cfs_quota_us", "20000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/system.slice/hilo.service/cpu.cfs_period_us", "10000\n");
  EXPECT_EQ(quota(), (CpuQuota{20 * millisecond, 10 * millisecond}));
}

// Fails if what cannot be read is taken for a quota, or ends the process.
TEST_F(CpuQuotaFiles, NonsenseIsNoQuota) {
  write_v2("no-path");
  EXPECT_EQ(quota(), std::nullopt);
  write_v2("/a");
  for (const char* const line : {"", "100000\n", "0 0\n", "x y\n", "1 99999999999999999999\n"}) {
    write("/sys/fs/cgroup/a/cpu.max", line);
    EXPECT_EQ(quota(), std::nullopt) << line;
  }
}

// Fails if the counters of either version are read wrongly.
TEST_F(CpuQuotaFiles, Spending) {
  write("/v2/cpu.stat",
        "usage_usec 81234\nuser_usec 80000\nsystem_usec 1234\nnr_periods 17\nnr_throttled 8\n"
        "throttled_usec 19190\nnr_bursts 0\n");
  const auto v2 = spending_of(root_ + "/v2").value();
  EXPECT_EQ(v2.time, 81'234 * microsecond_ns);
  EXPECT_EQ(v2.times_throttled, 8U);
  write("/v1/cpu.stat", "nr_periods 17\nnr_throttled 3\nthrottled_time 19190446\n");
  EXPECT_EQ(spending_of(root_ + "/v1").value().time, std::nullopt);
  write("/v1/cpuacct.usage", "123456789\n");
  const auto v1 = spending_of(root_ + "/v1").value();
  EXPECT_EQ(v1.time, 123'456'789);
  EXPECT_EQ(v1.times_throttled, 3U);
}

// Fails if a file that cannot be read is taken for one that is not there, or for zero: a folder
// stands in its place.
TEST_F(CpuQuotaFiles, WhatCannotBeReadIsNotKnown) {
  write_v2("/a");
  write("/sys/fs/cgroup/a/cpu.max/file", "");
  EXPECT_FALSE(tightest_quota(root_).ok());
  EXPECT_FALSE(spending_of(root_ + "/gone"));
  write("/v1/cpu.stat", "nr_throttled 3\n");
  write("/v1/cpuacct.usage/file", "");
  EXPECT_FALSE(spending_of(root_ + "/v1"));
}

}  // namespace
}  // namespace hilo
