// What LOW costs HIGH, and what HIGH costs LOW. Two client processes and one engine:
//   HIGH alone   about 20 texts a second, at random moments, each answered before the next
//   LOW alone    as many texts as the lane takes
//   both
#include <atomic>
#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "support/programs.h"
#include "support/report.h"
#include "support/samples.h"
#include "support/texts.h"

namespace hilo {
namespace {

enum Phase : int { warm_up, high_alone, low_alone, both, over };
constexpr size_t in_flight_max = 64;

struct Options {
  std::string json;
  ModelOptions model;
  double seconds = 20;
  double high_per_second = 20;
  uint32_t high_tokens = 32;
  uint32_t low_tokens = 128;
};

struct Figures {
  std::atomic<int> phase;
  Samples high[over];
  uint64_t low_tokens[over];
};

// The HIGH client also leads through the phases.
class HighClient {
 public:
  HighClient(hilo_client* client, const Options& options, Figures& figures)
      : client_(client), options_(options), figures_(figures) {}

  void run() {
    for (const Phase phase : {warm_up, high_alone, low_alone, both}) {
      figures_.phase = phase;
      const double seconds = phase == warm_up ? 1 : options_.seconds;
      const Instant until = monotonic_now() + static_cast<Nanoseconds>(seconds * second_ns);
      while (monotonic_now() < until) {
        pause();
        if (phase != low_alone) figures_.high[phase].add(embed_one());
      }
    }
    figures_.phase = over;
  }

 private:
  void pause() {
    std::exponential_distribution<double> gap{options_.high_per_second};
    std::this_thread::sleep_for(std::chrono::duration<double>{gap(random_)});
  }
  Nanoseconds embed_one() {
    return time_of_one(client_, text_of_tokens(options_.high_tokens, random_));
  }

  hilo_client* client_;
  const Options& options_;
  Figures& figures_;
  std::mt19937 random_{1};
};

void run_low(hilo_client* client, const Options& options, Figures& figures) {
  std::mt19937 random{2};
  size_t open = 0;
  for (int phase = warm_up; phase != over; phase = figures.phase) {
    const bool saturate = phase != high_alone;
    for (; saturate && open < in_flight_max; ++open) {
      const std::string text = text_of_tokens(options.low_tokens, random);
      hilo_task task = 0;
      check(hilo_submit(client, HILO_LOW, text.data(), text.size(), &task));
    }
    if (open == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
      continue;
    }
    figures.low_tokens[phase] += take_and_release(client).tokens;
    --open;
  }
}

nlohmann::json report_high(const char* name, const Samples& samples) {
  const double p50 = samples.quantile_us(0.5) / 1000;
  const double p99 = samples.quantile_us(0.99) / 1000;
  const double p999 = samples.quantile_us(0.999) / 1000;
  print_line("{:18} {:9.2f} {:9.2f} {:9.2f}   ms of {} texts", name, p50, p99, p999, samples.count);
  return {{"p50_ms", p50}, {"p99_ms", p99}, {"p999_ms", p999}, {"texts", samples.count}};
}

int run(const Options& options) {
  auto& figures = make_shared_with_children<Figures>();
  const Status status = serve_programs(
      options.model,
      {{LaneRights::high,
        [&](hilo_client* client) {
          HighClient{client, options, figures}.run();
        }},
       {LaneRights::low, [&](hilo_client* client) { run_low(client, options, figures); }}});
  if (!status) return finish_benchmark(status, options.json, {});
  print_line("{:18} {:>9} {:>9} {:>9}", "HIGH", "p50", "p99", "p99.9");
  const nlohmann::json alone = report_high("alone", figures.high[high_alone]);
  const nlohmann::json beside = report_high("beside LOW", figures.high[both]);
  const double low = static_cast<double>(figures.low_tokens[low_alone]) / options.seconds;
  const double kept = static_cast<double>(figures.low_tokens[both]) / options.seconds;
  print_line("{:18} {:9.0f} tokens/s alone, {:.0f} beside HIGH ({:.0f} %)", "LOW", low, kept,
             100 * kept / low);
  return finish_benchmark(status, options.json,
                          {{"high_alone", alone},
                           {"high_beside_low", beside},
                           {"low_alone_tokens_per_second", low},
                           {"low_beside_high_tokens_per_second", kept}});
}

}  // namespace
}  // namespace hilo

int main(int count, char** arguments) {
  CLI::App app{
      "HIGH latency with LOW off and saturating, and the LOW throughput that HIGH leaves."};
  hilo::Options options;
  hilo::add_json_option(app, options.json);
  hilo::add_model_options(hilo::OptionList{app}, options.model);
  app.add_option("--seconds", options.seconds, "For each phase")->capture_default_str();
  app.add_option("--high-per-second", options.high_per_second)->capture_default_str();
  app.add_option("--high-tokens", options.high_tokens)->capture_default_str();
  app.add_option("--low-tokens", options.low_tokens)->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  return hilo::run(options);
}
