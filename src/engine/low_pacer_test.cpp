// The pacer against a model of the kernel's bandwidth control (kernel/sched/fair.c): every period
// the pool of a group is filled with its quota; cores take slices from it and keep what is left;
// a core that finds the pool empty stops until the next period.
#include "engine/low_pacer.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr Nanoseconds us = microsecond_ns;
constexpr Nanoseconds ms = millisecond_ns;
constexpr Nanoseconds step = 100 * us;

class KernelGroup {
 public:
  KernelGroup(const CpuQuota& quota, size_t cores, Nanoseconds phase)
      : quota_(quota), pool_(quota.time), next_period_{phase}, slices_(cores) {}

  void change_quota(const CpuQuota& quota) { quota_ = quota; }

  void begin_step(Instant now) {
    if (now < next_period_) return;
    next_period_ = next_period_ + quota_.period;
    pool_ = quota_.time;
    if (stopped_) ++times_throttled_;
    stopped_ = false;
  }
  // False: the core is stopped.
  bool run(size_t core) {
    Nanoseconds& slice = slices_[core];
    if (slice < step) {
      const Nanoseconds taken = std::min(pool_, 5 * ms);
      pool_ -= taken;
      slice += taken;
    }
    stopped_ |= slice < step;
    if (slice < step) return false;
    slice -= step;
    return true;
  }
  uint64_t times_throttled() const { return times_throttled_; }

 private:
  CpuQuota quota_;
  Nanoseconds pool_;
  Instant next_period_;
  std::vector<Nanoseconds> slices_;
  uint64_t times_throttled_ = 0;
  bool stopped_ = false;
};

struct Outcome {
  uint64_t times_throttled = 0;
  double low_share = 0;  // of the quota
  double high_share = 0;
  Nanoseconds low_longest_stop = 0;
};

struct Load {
  CpuQuota quota{100 * ms, 100 * ms};
  size_t cores = 2;
  double high_per_second = 0;
  Nanoseconds high_time = 0;  // on all cores at once, split among them
  bool paced = true;
  bool low = true;
  uint32_t seed = 1;
  Nanoseconds learning = 5 * second_ns;  // not counted in the outcome
  Nanoseconds late = 0;                  // a look in ten is so late
  bool others_known = true;
};

// HIGH requests at random moments on all cores, before LOW, which always has work.
class Simulation {
 public:
  explicit Simulation(const Load& load)
      : load_(load),
        random_(load.seed),
        group_(load.quota, load.cores, static_cast<Nanoseconds>(random_() % 100) * ms),
        pacer_(load.quota, static_cast<uint32_t>(load.cores), {}, {}) {
    if (!load.paced) low_may_until_ = Instant{INT64_MAX};
    arrival_ = next_arrival({});
  }

  Outcome run(Nanoseconds length) {
    uint64_t throttled_before = 0;
    for (Instant now; now.ns < length; now = now + step) {
      if (now.ns == load_.learning) {
        throttled_before = group_.times_throttled();
        outcome_ = {};
        low_ = high_ = 0;
      }
      advance(now);
    }
    const double periods =
        static_cast<double>(length - load_.learning) / static_cast<double>(load_.quota.period);
    const double quota = periods * static_cast<double>(load_.quota.time);
    outcome_.times_throttled = group_.times_throttled() - throttled_before;
    outcome_.low_share = static_cast<double>(low_) / quota;
    outcome_.high_share = static_cast<double>(high_) / quota;
    return outcome_;
  }

 private:
  Instant next_arrival(Instant now) {
    if (load_.high_per_second == 0) return Instant{INT64_MAX};
    std::exponential_distribution<double> gap{load_.high_per_second};
    return now + static_cast<Nanoseconds>(gap(random_) * second_ns);
  }
  void advance(Instant now) {
    for (; arrival_ <= now; arrival_ = next_arrival(arrival_)) high_left_ += load_.high_time;
    if (load_.paced && now >= look_at_) {
      spent_.group.reset();
      if (load_.others_known) spent_.group = {all_, group_.times_throttled()};
      low_may_until_ = now + pacer_.look(now, spent_);
      look_at_ = now + pacer_.interval() + (lateness_() % 10 == 0 ? load_.late : 0);
    }
    group_.begin_step(now);
    bool low_ran = false;
    for (size_t core = 0; core < load_.cores; ++core) {
      const bool high = high_left_ > 0;
      if (!high && !(load_.low && now < low_may_until_)) continue;
      if (!group_.run(core)) continue;
      all_ += step;
      if (high) {
        high_left_ -= step;
        high_ += step;
      } else {
        spent_.low += step;
        low_ += step;
        low_ran = true;
      }
    }
    if (low_ran) low_ran_at_ = now;
    outcome_.low_longest_stop = std::max(outcome_.low_longest_stop, now - low_ran_at_);
  }

  Load load_;
  std::mt19937 random_;
  std::mt19937 lateness_;  // another, so that the arrivals stay the same
  KernelGroup group_;
  LowPacer pacer_;
  CpuSpent spent_;
  Outcome outcome_;
  Instant arrival_;
  Instant look_at_;
  Instant low_ran_at_;
  Nanoseconds high_left_ = 0;
  Nanoseconds low_ = 0;
  Nanoseconds high_ = 0;
  Nanoseconds all_ = 0;
  Instant low_may_until_;
};

// Shows that the model can fail: without pacing, LOW has the kernel stop everything in every
// period.
TEST(LowPacer, WithoutItTheKernelStopsEverything) {
  EXPECT_GT(Simulation{{.paced = false}}.run(10 * second_ns).times_throttled, 40U);
}

// Fails if LOW alone is stopped by the kernel, or gets less than 85 % of the quota: for fractions
// of a core and for many, and whatever the length of a period.
TEST(LowPacer, LowAloneUsesItsQuotaAndIsNeverStopped) {
  const CpuQuota quotas[] = {{20 * ms, 100 * ms}, {50 * ms, 100 * ms},  {100 * ms, 100 * ms},
                             {60 * ms, 50 * ms},  {350 * ms, 100 * ms}, {500 * ms, 250 * ms}};
  for (const CpuQuota& quota : quotas) {
    const Outcome outcome = Simulation{{.quota = quota, .cores = 4}}.run(15 * second_ns);
    EXPECT_EQ(outcome.times_throttled, 0U) << quota.time << " of " << quota.period;
    EXPECT_GT(outcome.low_share, 0.85) << quota.time << " of " << quota.period;
    EXPECT_LE(outcome.low_longest_stop, quota.period) << quota.time << " of " << quota.period;
  }
}

// Fails if LOW has the kernel stop HIGH more often than HIGH does alone, or gives up more than
// HIGH's worst periods need.
TEST(LowPacer, LowDoesNotHaveHighStopped) {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    Load load{.high_per_second = 20, .high_time = 7 * ms, .seed = seed};
    load.low = false;
    const Outcome alone = Simulation{load}.run(30 * second_ns);
    load.low = true;
    const Outcome beside = Simulation{load}.run(30 * second_ns);
    EXPECT_LE(beside.times_throttled, alone.times_throttled + 1) << seed;
    EXPECT_DOUBLE_EQ(beside.high_share, alone.high_share) << seed;
    EXPECT_GT(beside.low_share, 0.3) << seed;
  }
}

// Fails if LOW goes on spending where whoever looks is late, as on a machine with other work.
TEST(LowPacer, LowStopsByItselfWhenNobodyLooks) {
  const CpuQuota quota{40 * ms, 100 * ms};
  const Outcome outcome = Simulation{{.quota = quota, .late = 60 * ms}}.run(15 * second_ns);
  EXPECT_EQ(outcome.times_throttled, 0U);
  EXPECT_GT(outcome.low_share, 0.3);
}

// Fails if LOW is not paced, or starves, while the group's counters cannot be read.
TEST(LowPacer, LowIsPacedWhateverOthersDo) {
  const Outcome outcome = Simulation{{.others_known = false}}.run(10 * second_ns);
  EXPECT_EQ(outcome.times_throttled, 0U);
  EXPECT_GT(outcome.low_share, 0.85);
}

// Fails if a reading that is missing is taken for a number: the next one would look as if others
// had spent all since the beginning, and LOW would be left with its least share.
TEST(LowPacer, AMissingReadingTeachesNothing) {
  const auto group = [](Nanoseconds time) { return CpuSpent{.low = 0, .group = {{time, 7}}}; };
  const CpuQuota quota{100 * ms, 100 * ms};
  LowPacer missed{quota, 1, {}, group(second_ns)};
  LowPacer read{quota, 1, {}, group(second_ns)};
  for (int look = 1; look <= 100; ++look) {
    const Instant now{look * ms};
    const CpuSpent spent = group(second_ns);
    read.look(now, spent);
    missed.look(now, look % 10 == 5 ? CpuSpent{} : spent);
  }
  CpuSpent spends = group(second_ns);
  for (int look = 101; look <= 200; ++look) {
    spends.low += ms;
    spends.group->time += ms;
    const bool may = read.look(Instant{look * ms}, spends) > 0;
    ASSERT_EQ(missed.look(Instant{look * ms}, spends) > 0, may) << look;
  }
}

// Fails if LOW starves while HIGH alone needs more than the quota.
TEST(LowPacer, LowKeepsASmallShare) {
  const Outcome outcome =
      Simulation{{.high_per_second = 30, .high_time = 50 * ms}}.run(20 * second_ns);
  EXPECT_GT(outcome.high_share, 0.9);
  EXPECT_LT(outcome.high_share + outcome.low_share, 1.01);
}

}  // namespace
}  // namespace hilo
