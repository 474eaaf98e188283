// What each part of preemption is worth: HIGH at random moments beside a LOW that takes all it
// gets, on engines whose LOW gives way in different ways. The engines take turns of a few seconds,
// in an order that changes from round to round, so that a machine's moods meet all of them alike.
#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>

#include "support/programs.h"
#include "support/report.h"
#include "support/samples.h"
#include "support/texts.h"

namespace hilo {
namespace {

using LowClass = Preemption::LowClass;

struct Way {
  const char* name;
  bool low;
  Preemption preemption;
};
constexpr std::array<Way, 6> ways{{
    {"LOW off", false, {}},
    {"none", true, {LowClass::normal, false}},
    {"nice 19", true, {LowClass::nice, false}},
    {"SCHED_IDLE", true, {LowClass::idle, false}},
    {"gate", true, {LowClass::normal, true}},
    {"SCHED_IDLE and gate", true, {LowClass::idle, true}},
}};

struct Options {
  std::string json;
  ModelOptions model;
  uint32_t rounds = 10;
  double seconds = 5;
  double high_per_second = 20;
  uint32_t high_tokens = 32;
  uint32_t low_tokens = 128;
};

constexpr double warm_up_seconds = 0.5;
constexpr size_t in_flight_max = 64;

// Of all rounds of one way.
struct Figures {
  Samples high;    // from the submission to the vector in the client's hands
  Samples engine;  // of that, from the engine's intake to its completion
  uint64_t low_tokens;
  double low_seconds;
};

struct Turn {
  std::atomic<bool> measuring;
  std::atomic<bool> over;
};

void run_high(hilo_client* client, const Options& options, uint32_t seed, Figures& figures,
              Turn& turn) {
  ::prctl(PR_SET_TIMERSLACK, 1);  // Else sleeps end in groups, which are no random moments.
  std::mt19937 random{seed};
  std::exponential_distribution<double> gap{options.high_per_second};
  const Instant begin = monotonic_now() + static_cast<Nanoseconds>(warm_up_seconds * second_ns);
  const Instant end = begin + static_cast<Nanoseconds>(options.seconds * second_ns);
  for (Instant now; now < end; now = monotonic_now()) {
    std::this_thread::sleep_for(std::chrono::duration<double>{gap(random)});
    const std::string text = text_of_tokens(options.high_tokens, random);
    const Instant began = monotonic_now();
    hilo_task task = 0;
    check(hilo_submit(client, HILO_HIGH, text.data(), text.size(), &task));
    const hilo_result result = take_and_release(client);
    turn.measuring = began >= begin;
    if (began < begin) continue;
    figures.high.add(monotonic_now() - began);
    figures.engine.add(static_cast<Nanoseconds>(result.engine_ns));
  }
  turn.over = true;
}

void run_low(hilo_client* client, const Options& options, uint32_t seed, Figures& figures,
             Turn& turn) {
  std::mt19937 random{seed};
  Instant began{};
  for (size_t open = 0; !turn.over;) {
    for (; open < in_flight_max; ++open) {
      const std::string text = text_of_tokens(options.low_tokens, random);
      hilo_task task = 0;
      check(hilo_submit(client, HILO_LOW, text.data(), text.size(), &task));
    }
    const uint32_t tokens = take_and_release(client).tokens;
    --open;
    if (!turn.measuring) continue;
    if (began == Instant{})
      began = monotonic_now();
    else
      figures.low_tokens += tokens;
  }
  if (began != Instant{})
    figures.low_seconds += static_cast<double>(monotonic_now() - began) / second_ns;
}

Status take_turn(const Options& options, const Way& way, uint32_t seed, Figures& figures) {
  auto& turn = make_shared_with_children<Turn>();
  std::vector<BenchProgram> programs{{LaneRights::high, [&](hilo_client* client) {
                                        run_high(client, options, seed, figures, turn);
                                      }}};
  if (way.low) {
    programs.push_back({LaneRights::low, [&](hilo_client* client) {
                          run_low(client, options, seed, figures, turn);
                        }});
  }
  return serve_programs(options.model, programs, way.preemption);
}

// Each turn has an engine of its own, in a process of its own.
Status take_turn_in_child(const Options& options, const Way& way, uint32_t seed, Figures& figures) {
  const pid_t child = ::fork();
  if (child < 0) return Error{"The process of a turn could not be forked."};
  if (child == 0) {
    std::freopen("/dev/null", "w", stdout);  // The model is the same in every turn.
    const Status status = take_turn(options, way, seed, figures);
    if (!status) std::fputs(fmt::format("{}\n", status.error().message).c_str(), stderr);
    std::_Exit(status ? 0 : 1);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0)
    return Error{fmt::format("The turn of \"{}\" failed.", way.name)};
  return {};
}

nlohmann::json report(const Way& way, const Figures& figures, double low_best) {
  const auto ms = [&](const Samples& samples, double share) {
    return samples.quantile_us(share) / 1000;
  };
  const Samples& high = figures.high;
  const double low =
      figures.low_seconds == 0 ? 0 : static_cast<double>(figures.low_tokens) / figures.low_seconds;
  print_line("{:20} {:8.2f} {:8.2f} {:8.2f} {:8.2f} {:9.2f} {:8.2f} {:9.0f} {:5.0f} %", way.name,
             ms(high, 0.5), ms(high, 0.99), ms(high, 0.999), ms(high, 1), ms(figures.engine, 0.5),
             ms(figures.engine, 0.99), low, low_best == 0 ? 0 : 100 * low / low_best);
  return {{"low_gives_way_by", way.name},
          {"texts", high.count},
          {"p50_ms", ms(high, 0.5)},
          {"p99_ms", ms(high, 0.99)},
          {"p999_ms", ms(high, 0.999)},
          {"max_ms", ms(high, 1)},
          {"engine_p50_ms", ms(figures.engine, 0.5)},
          {"engine_p99_ms", ms(figures.engine, 0.99)},
          {"engine_p999_ms", ms(figures.engine, 0.999)},
          {"low_tokens_per_second", low}};
}

int run(const Options& options) {
  std::array<Figures*, ways.size()> figures;
  for (Figures*& of_way : figures) of_way = &make_shared_with_children<Figures>();
  std::array<size_t, ways.size()> order{0, 1, 2, 3, 4, 5};
  std::mt19937 random{1};
  for (uint32_t round = 0; round < options.rounds; ++round) {
    std::ranges::shuffle(order, random);
    for (const size_t way : order) {
      const Status status = take_turn_in_child(options, ways[way], round, *figures[way]);
      if (!status) return finish_benchmark(status, options.json, {});
    }
  }
  print_line("{:20} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8} {:>9}", "LOW gives way by", "HIGH p50",
             "p99", "p99.9", "max", "engine50", "eng. p99", "LOW tok/s");
  double low_best = 0;
  for (const Figures* const of_way : figures)
    if (of_way->low_seconds > 0)
      low_best = std::max(low_best, static_cast<double>(of_way->low_tokens) / of_way->low_seconds);
  nlohmann::json rows;
  for (size_t way = 0; way < ways.size(); ++way)
    rows.push_back(report(ways[way], *figures[way], low_best));
  return finish_benchmark({}, options.json, {{"ways", rows}});
}

}  // namespace
}  // namespace hilo

int main(int count, char** arguments) {
  CLI::App app{"HIGH latency beside LOW that gives way by the kernel, by the gate, or both."};
  hilo::Options options;
  hilo::add_json_option(app, options.json);
  hilo::add_model_options(hilo::OptionList{app}, options.model);
  app.add_option("--rounds", options.rounds, "Turns of each way")->capture_default_str();
  app.add_option("--seconds", options.seconds, "For each turn")->capture_default_str();
  app.add_option("--high-per-second", options.high_per_second)->capture_default_str();
  app.add_option("--high-tokens", options.high_tokens)->capture_default_str();
  app.add_option("--low-tokens", options.low_tokens)->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  return hilo::run(options);
}
