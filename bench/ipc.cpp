// From submit to completion and back, past the model: what the channel and the engine cost.
//   spinning   the client looks for its result without sleeping; both sides are awake
//   sleeping   the client pauses between texts and sleeps in hilo_wait(); both sides must wake
//   in flight  the client keeps many texts under way
#include <array>
#include <cstring>
#include <thread>

#include "support/programs.h"
#include "support/report.h"
#include "support/samples.h"

namespace hilo {
namespace {

constexpr const char* text = "resize photos from the command line";
constexpr size_t in_flight_max = 128;

struct Options {
  std::string json;
  std::string backend = "echo";
  int spinning = 50'000;
  int sleeping = 500;
  double seconds = 2;
};

struct Figures {
  Samples spinning;
  Samples sleeping;
  double tasks_per_second;
};

hilo_task submit_one(hilo_client* client) {
  hilo_task task = 0;
  check(hilo_submit(client, HILO_HIGH, text, std::strlen(text), &task));
  return task;
}

Nanoseconds spin_once(hilo_client* client) {
  const Instant began = monotonic_now();
  submit_one(client);
  hilo_result result;
  size_t taken = 0;
  while (hilo_take(client, &result, 1, &taken) == HILO_EMPTY) {
  }
  const Nanoseconds took = monotonic_now() - began;
  ENSURE(taken == 1);
  check(result.status);
  check(hilo_release(client, result.task));
  return took;
}

Nanoseconds sleep_once(hilo_client* client) {
  std::this_thread::sleep_for(std::chrono::milliseconds{2});
  const Instant began = monotonic_now();
  submit_one(client);
  take_and_release(client);
  return monotonic_now() - began;
}

// Fills what is free, then takes what is ready.
double measure_in_flight(hilo_client* client, double seconds) {
  std::array<hilo_text, in_flight_max> texts;
  texts.fill({text, std::strlen(text)});
  std::array<hilo_task, in_flight_max> tasks;
  std::array<hilo_result, in_flight_max> results;
  hilo_submit_options options{};
  options.struct_bytes = sizeof options;
  size_t open = 0;
  size_t done = 0;
  const Instant began = monotonic_now();
  const Instant until = began + static_cast<Nanoseconds>(seconds * second_ns);
  while (monotonic_now() < until || open > 0) {
    size_t submitted = 0;
    if (monotonic_now() < until)
      check(hilo_submit_many(client, &options, texts.data(), in_flight_max - open, tasks.data(),
                             &submitted));
    open += submitted;
    size_t taken = 0;
    if (hilo_take(client, results.data(), results.size(), &taken) == HILO_EMPTY)
      check(hilo_wait(client, 10'000));
    for (size_t i = 0; i < taken; ++i) check(hilo_release(client, results[i].task));
    open -= taken;
    done += taken;
  }
  return static_cast<double>(done) * second_ns / static_cast<double>(monotonic_now() - began);
}

void run_client(hilo_client* client, const Options& options, Figures& figures) {
  for (int i = 0; i < options.spinning / 10; ++i) spin_once(client);  // Warm.
  for (int i = 0; i < options.spinning; ++i) figures.spinning.add(spin_once(client));
  for (int i = 0; i < options.sleeping; ++i) figures.sleeping.add(sleep_once(client));
  figures.tasks_per_second = measure_in_flight(client, options.seconds);
}

nlohmann::json report(const char* name, const Samples& samples) {
  const double p50 = samples.quantile_us(0.5);
  const double p99 = samples.quantile_us(0.99);
  const double p999 = samples.quantile_us(0.999);
  print_line("{:12} {:10.2f} {:10.2f} {:10.2f}   us of {} texts", name, p50, p99, p999,
             samples.count);
  return {{"p50_us", p50}, {"p99_us", p99}, {"p999_us", p999}, {"texts", samples.count}};
}

int run(const Options& options) {
  auto& figures = make_shared_with_children<Figures>();
  ModelOptions model;
  model.backend = options.backend;
  const Status status = serve_programs(
      model,
      {{LaneRights::any, [&](hilo_client* client) { run_client(client, options, figures); }}});
  if (!status) return finish_benchmark(status, options.json, {});
  print_line("{:12} {:>10} {:>10} {:>10}", "client", "p50", "p99", "p99.9");
  const nlohmann::json json{{"backend", options.backend},
                            {"spinning", report("spinning", figures.spinning)},
                            {"sleeping", report("sleeping", figures.sleeping)},
                            {"tasks_per_second", figures.tasks_per_second},
                            {"in_flight", in_flight_max}};
  print_line("{:12} {:10.0f}   tasks/s, {} in flight", "in flight", figures.tasks_per_second,
             in_flight_max);
  return finish_benchmark(status, options.json, json);
}

}  // namespace
}  // namespace hilo

int main(int count, char** arguments) {
  CLI::App app{"Submit to completion, past the model: latency and tasks per second."};
  hilo::Options options;
  hilo::add_json_option(app, options.json);
  app.add_option("--backend", options.backend, "echo or null")->capture_default_str();
  app.add_option("--spinning", options.spinning, "Texts of the spinning client")
      ->capture_default_str();
  app.add_option("--sleeping", options.sleeping, "Texts of the sleeping client")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "With many texts in flight")->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  return hilo::run(options);
}
