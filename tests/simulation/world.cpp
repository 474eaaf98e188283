#include "world.h"

#include <algorithm>
#include <optional>

#include "device.h"

namespace hilo::simulation {
namespace {

constexpr uint32_t tokens_max = 128;
constexpr uint32_t ticks_max = 1'000'000;  // Far more than any run takes.

class World {
 public:
  World(uint64_t seed, Encoding encoding, SessionPool& pool);
  Outcome run();

 private:
  static Policy policy_of(Random& random);
  static Speed speed_of(Random& random);
  static std::optional<PlanLimits> device_of(Encoding encoding, Random& random);
  CoreOptions core_options();
  void begin_clients();
  Instant next_event();
  void advance_to(Instant to);
  void let_clients_act();
  void end_session(ScriptedClient& client);
  void tick();
  void take_completions();
  bool everything_is_answered() const;
  void end();

  SessionPool& pool_;
  Random random_;
  const bool high_saturates_;
  const Policy policy_;
  const uint32_t clients_count_;
  TaskTable tasks_;
  const std::optional<PlanLimits> device_limits_;
  ScriptedDevice device_;
  Machine machine_;
  Rules rules_;
  EngineCore core_;
  Instant now_{1'000'000'000};
  Computed computed_;
  std::vector<ScriptedClient> clients_;
  Outcome outcome_;
};

World::World(uint64_t seed, Encoding encoding, SessionPool& pool)
    : pool_(pool),
      random_(seed),
      high_saturates_(random_.once_in(2)),
      policy_(policy_of(random_)),
      clients_count_(static_cast<uint32_t>(random_.between(1, 6))),
      tasks_(tokens_max, clients_count_ * tasks_per_client_max),
      device_limits_(device_of(encoding, random_)),
      device_(policy_.low_share, tasks_),
      machine_(static_cast<uint32_t>(random_.between(1, 3)), speed_of(random_), tasks_,
               device_limits_ ? &device_ : nullptr),
      rules_(policy_, tasks_, machine_, device_limits_),
      core_(core_options(), tasks_, machine_.workers()) {
  for (uint32_t pair = 0; pair < machine_.pairs(); ++pair)
    for (const Lane lane : {Lane::high, Lane::low})
      machine_.worker(lane, pair).on_given([this](const ScriptedWorker& worker, const Plan& plan) {
        rules_.check_given(worker, plan, now_);
      });
  begin_clients();
}

Policy World::policy_of(Random& random) {
  Policy policy;
  constexpr std::array<double, 5> shares{0, 0.01, 0.05, 0.2, 0.5};
  policy.low_share = shares[static_cast<size_t>(random.between(0, 4))];
  if (random.once_in(4))  // Small enough to be reached.
    policy.work_max = {random.about(50 * millisecond_ns), random.about(100 * millisecond_ns)};
  return policy;
}

Speed World::speed_of(Random& random) {
  return {.token = random.between(5, 300) * microsecond_ns,
          .byte = random.between(5, 50),
          .start = random.between(1, 20) * microsecond_ns};
}

std::optional<PlanLimits> World::device_of(Encoding encoding, Random& random) {
  if (encoding == Encoding::on_cores) return std::nullopt;
  const auto tokens = static_cast<uint32_t>(random.between(tokens_max, 2048));
  return PlanLimits{.cost_max = tokens,
                    .cost_share = static_cast<uint32_t>(random.between(1, tokens)),
                    .tasks_max = static_cast<uint32_t>(random.between(1, plan_tasks_max))};
}

CoreOptions World::core_options() {
  CoreOptions options{
      .prompts = {}, .token_vectors = true, .assist = random_.once_in(2), .policy = policy_};
  if (device_limits_) {
    options.assist = false;  // Nobody helps a device.
    options.device = DeviceOptions{.plans = *device_limits_,
                                   .pairs = Machine::pairs_of_device,
                                   .expect_high = [this](bool any) { device_.expect_high(any); }};
  }
  return options;
}

void World::begin_clients() {
  clients_.reserve(clients_count_);
  for (uint32_t i = 0; i < clients_count_; ++i) {
    const Instant begins = now_ + random_.between(0, 5 * millisecond_ns);
    const Habits habits = habits_of(random_, high_saturates_);
    ScriptedClient& client =
        clients_.emplace_back(habits, pool_.take(), Random{random_.next()}, begins);
    client.place = core_.begin_session(std::move(client.connection.session));
  }
}

Outcome World::run() {
  while (!everything_is_answered()) {
    const Instant next = next_event();
    if (next == never) throw Violation{"P4: tasks are open, and nothing will ever happen"};
    advance_to(next);
    let_clients_act();
    while (core_.work_has_arrived() || core_.next_deadline(now_) <= now_) tick();
  }
  end();
  outcome_.digest = rules_.digest();
  outcome_.ratios = rules_.ratios();
  outcome_.ratios.worst[Ratios::low_beside_high] = device_.low_beside_high();
  return outcome_;
}

Instant World::next_event() {
  Instant next = std::min(machine_.next_end(now_), core_.next_deadline(now_));
  for (const ScriptedClient& client : clients_) next = std::min(next, client.next_action());
  return next;
}

void World::advance_to(Instant to) {
  const Computed before = computed_;
  machine_.advance(now_, to, computed_);
  rules_.account(before, computed_, now_, to);
  now_ = to;
  if (device_limits_) device_.launch_low(now_);
}

void World::let_clients_act() {
  for (ScriptedClient& client : clients_) {
    if (client.next_action() > now_) continue;
    client.act(now_);
    if (client.vanishes_now()) end_session(client);
  }
}

// Its program has gone: nothing is told it any more, and its session is of no use to anybody else.
void World::end_session(ScriptedClient& client) {
  core_.end_sessions(uint64_t{1} << client.place, now_);
  client.vanish();
}

void World::tick() {
  if (++outcome_.ticks > ticks_max) throw Violation{"P4: the engine never comes to rest"};
  core_.tick(now_);
  rules_.check_tick(core_, now_);
  take_completions();
  machine_.begin(now_, random_);
}

void World::take_completions() {
  for (ScriptedClient& client : clients_)
    if (!client.has_vanished()) client.take_completions(now_, rules_);
}

bool World::everything_is_answered() const {
  return tasks_.count() == 0 && std::ranges::all_of(clients_, [](const ScriptedClient& client) {
           return client.has_vanished() || (client.open() == 0 && client.next_action() == never);
         });
}

// Sessions of those who stayed end clean, and serve the next run.
void World::end() {
  for (ScriptedClient& client : clients_) {
    outcome_.tasks += client.submitted();
    if (!client.has_vanished()) client.tidy_up();
  }
  tick();
  core_.end_sessions(~uint64_t{0}, now_);
  while (std::unique_ptr<Session> session = core_.take_ended()) {
    for (ScriptedClient& client : clients_) {
      if (client.has_vanished() || client.session != session.get()) continue;
      client.connection.session = std::move(session);
      pool_.give_back(std::move(client.connection));
      break;
    }
  }
  if (tasks_.count() > 0) throw Violation{"P5: a task is left when all sessions have ended"};
}

}  // namespace

Outcome run(uint64_t seed, Encoding encoding, SessionPool& pool) {
  return std::make_unique<World>(seed, encoding, pool)->run();
}

}  // namespace hilo::simulation
