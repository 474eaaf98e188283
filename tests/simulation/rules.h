// What must hold in every run, at every step. docs/SCHEDULING.md has the arguments.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/engine_core.h"
#include "machine.h"

namespace hilo::simulation {

// How near to its bound each property has come: 1 is the bound.
struct Ratios {
  static constexpr size_t count = 5;
  static constexpr std::array<const char*, count> names{
      "P2 what LOW is owed while HIGH saturates", "P3 what HIGH loses to LOW's share",
      "P3 how long all cores are left to LOW", "P6 unfairness between clients",
      "P7 work admitted in a lane"};
  std::array<double, count> worst{};

  void raise(size_t property, double observed, double bound) {
    worst[property] = std::max(worst[property], observed / bound);
  }
  void raise(const Ratios& other) {
    for (size_t i = 0; i < count; ++i) worst[i] = std::max(worst[i], other.worst[i]);
  }
};

// A broken property. Thrown, so that a run ends where it broke.
struct Violation {
  std::string what;
};

// Watches one run from outside.
class Rules {
 public:
  Rules(const Policy& policy, TaskTable& tasks, Machine& machine);

  // A worker was just given a plan.
  void check_given(const ScriptedWorker& worker, const Plan& plan, Instant now);
  // Time has passed since the last tick.
  void account(const Computed& before, const Computed& after, Instant from, Instant to);
  // A tick is over.
  void check_tick(const EngineCore& core, Instant now);

  const Ratios& ratios() const { return ratios_; }
  uint64_t digest() const { return digest_; }
  void digest(uint64_t value) { digest_ = (digest_ ^ value) * 0x100000001b3; }

 private:
  static constexpr uint32_t clients = 8;
  // What a lane holds by client: how many tasks wait for a kind of work, and all predicted work.
  struct Line {
    std::array<uint32_t, clients> waiting{};
    std::array<Nanoseconds, clients> work{};
  };
  // Cost given to one of two clients more than to the other since both had something waiting.
  struct Lead {
    int64_t now = 0;
    int64_t least = 0;
    int64_t most = 0;
    void add(int64_t cost);
  };
  static constexpr size_t kinds = 4;
  struct Kind {
    std::array<std::array<Lead, clients>, clients> leads{};
    std::array<int64_t, clients> largest{};
  };

  void check_tasks_of(const Plan& plan, Lane lane, Instant now) const;
  Line check_order(const Plan& plan);
  void check_admitted(Lane lane, const Line& line);
  void check_fairness(const Plan& plan, Line line);
  void check_shares(uint64_t low_open);
  double owed_most() const;
  bool low_could_use_its_share() const;
  void check_work_conserved(const EngineCore& core) const;

  const Policy& policy_;
  TaskTable& tasks_;
  Machine& machine_;
  const double rate_;  // share / (1 - share)
  const double quantum_;
  const double cores_;

  std::array<Kind, kinds> kinds_{};

  uint64_t low_open_ = 0;
  bool high_waits_ = false;
  double owed_ = 0;  // to LOW, exactly; since LOW work is open
  double owed_least_ = 0;
  double charged_ = 0;  // what HIGH's finished orders owe to LOW in all
  Nanoseconds just_finished_ = 0;
  double left_total_ = 0;  // core time in which HIGH stood aside
  Nanoseconds longest_high_ = 0;
  Nanoseconds longest_low_ = 0;
  Nanoseconds all_left_ = 0;  // all cores, without a break

  Ratios ratios_;
  uint64_t digest_ = 0xcbf29ce484222325;
};

}  // namespace hilo::simulation
