// What must hold in every run, at every step. docs/SCHEDULING.md has the arguments.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine_core.h"
#include "machine.h"

namespace hilo::simulation {

// How near to its bound each property has come: 1 is the bound.
struct Ratios {
  enum Property : size_t {
    low_owed,
    oldest_low,
    high_lost,
    all_cores_left,
    unfairness,
    admitted,
    low_beside_high
  };
  static constexpr size_t count = 7;
  static constexpr std::array<const char*, count> names{"P2 what LOW is owed",
                                                        "P2 how long LOW's oldest task waits",
                                                        "P3 what HIGH loses to LOW's share",
                                                        "P3 how long all cores are left to LOW",
                                                        "P6 unfairness between clients",
                                                        "P7 work admitted in a lane",
                                                        "P8 LOW at a device beside HIGH"};
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
[[noreturn]] inline void violated(std::string what) { throw Violation{std::move(what)}; }

// Watches one run from outside.
class Rules {
 public:
  // With a device, what is said of cores and of both kinds of work taking turns is not checked.
  Rules(const Policy& policy, TaskTable& tasks, Machine& machine,
        const std::optional<PlanLimits>& device);

  // A worker was just given a plan.
  void check_given(const ScriptedWorker& worker, const Plan& plan, Instant now);
  // Time has passed since the last tick.
  void account(const Computed& before, const Computed& after, Instant from, Instant to);
  // A tick is over.
  void check_tick(const EngineCore& core, Instant now);
  // In that tick the engine read that a client cancels a task.
  void check_cancelled(uint32_t client, uint64_t name) const;
  // In that tick a client's task was refused.
  void check_refused(uint32_t client, Lane lane) const;

  const Ratios& ratios() const { return ratios_; }
  uint64_t digest() const { return digest_; }
  void digest(uint64_t value) { digest_ = (digest_ ^ value) * 0x100000001b3; }

 private:
  static constexpr uint32_t clients = 8;
  // What a lane holds by client: how many tasks wait for a kind of work, and all predicted work.
  struct Line {
    std::array<uint32_t, clients> waiting{};
    uint32_t waiting_for_other_work = 0;
    std::array<Nanoseconds, clients> work{};
    Nanoseconds largest = 0;  // work of one task
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
  // What a task was given to a worker for.
  struct Given {
    uint32_t client = 0;
    uint64_t name = 0;
    Work work = Work::encode;
    bool operator==(const Given&) const = default;
  };
  // LOW's task that was admitted first, and since when HIGH has always waited beside it.
  struct Oldest {
    std::pair<uint32_t, uint64_t> task{};  // client and name
    Instant since{};
    double low = 0;  // what LOW had computed by then
  };
  using Present = std::array<std::array<uint32_t, clients>, lane_count>;  // tasks

  bool was_given(const Plan& plan) const;
  void check_size(const Plan& plan) const;
  void check_plan_of_device(const ScriptedWorker& worker, const Plan& plan) const;
  void check_kinds_take_turns(const Plan& plan, const Line& line);
  void check_tasks_of(const Plan& plan, Lane lane, Instant now) const;
  Line check_order(const Plan& plan);
  void check_admitted(Lane lane, const Line& line);
  void check_fairness(const Plan& plan, Line line);
  void check_shares(uint64_t low_open);
  double owed_most() const;
  double owed_bound() const;
  void check_oldest(Instant now);
  void see_tasks(Instant now);
  bool low_could_use_its_share() const;
  void check_work_conserved(const EngineCore& core) const;
  void check_device_has_work() const;

  const Policy& policy_;
  const std::optional<PlanLimits> device_;
  TaskTable& tasks_;
  Machine& machine_;
  const double rate_;  // share / (1 - share)
  const double quantum_;
  const double cores_;

  std::array<Kind, kinds> kinds_{};
  std::array<Work, lane_count> last_work_{Work::encode, Work::encode};
  std::vector<Given> given_;  // by task

  Present present_{};         // after the last tick
  Present present_before_{};  // and the one before
  Oldest oldest_;

  uint64_t low_open_ = 0;
  bool high_waits_ = false;
  double low_computed_ = 0;
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
