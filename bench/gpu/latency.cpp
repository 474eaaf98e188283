// How long one HIGH text takes: alone, beside LOW that would take all of the GPU, and the same with
// a gate that lets LOW launch at any time, which shows what the gate is worth.
#include <memory>
#include <optional>

#include "gpu/gpu_bench.h"
#include "support/report.h"
#include "support/samples.h"

namespace hilo {
namespace {

constexpr uint32_t low_tokens = 128;
constexpr size_t low_threads = 2;
constexpr double mean_pause_us = 300.0;
// LOW is owed so much that it never waits for HIGH.
constexpr double share_of_an_open_gate = 0.9999;

void stay_awake_until(Instant until) {
  while (monotonic_now() < until) {
  }
}

// One user: a text, a pause of any length, the next text.
bool measure(const Backend& backend, uint32_t tokens, uint32_t texts, Samples& samples) {
  TextsOfOneLength text(backend, Lane::high, tokens, 1);
  std::mt19937 random{1};
  std::exponential_distribution<double> pause_us{1.0 / mean_pause_us};
  const uint32_t warm_texts = texts / 20;
  for (uint32_t i = 0; i < texts + warm_texts; ++i) {
    stay_awake_until(monotonic_now() + static_cast<Nanoseconds>(pause_us(random) * microsecond_ns));
    const Instant began = monotonic_now();
    if (!text.run()) return false;
    if (i >= warm_texts) samples.add(monotonic_now() - began);
  }
  return true;
}

struct Case {
  const char* beside;
  bool low;
  double low_share;
};
constexpr Case cases[] = {
    {"nothing", false, 0.05}, {"low", true, 0.05}, {"low, open gate", true, share_of_an_open_gate}};

Result<nlohmann::json> measure_case(const GpuBenchRun& run, const Backend& backend, const Case& of,
                                    uint32_t quantum, uint32_t tokens) {
  const auto samples = std::make_unique<Samples>();
  std::optional<LowLoad> load;
  if (of.low) load.emplace(backend, low_tokens, quantum, low_threads);
  const uint64_t low_before = load ? load->texts() : 0;
  const Instant began = monotonic_now();
  if (!measure(backend, tokens, run.options.high_texts, *samples))
    return Error{"a HIGH text failed"};
  const Nanoseconds took = monotonic_now() - began;
  const uint64_t low_texts = load ? load->texts() - low_before : 0;
  const double low_rate =
      static_cast<double>(low_texts * low_tokens) * second_ns / static_cast<double>(took);
  if (load && load->failed()) return Error{"a batch of LOW failed"};
  nlohmann::json row = {{"quantum", quantum},
                        {"tokens", tokens},
                        {"beside", of.beside},
                        {"p50_us", samples->quantile_us(0.5)},
                        {"p99_us", samples->quantile_us(0.99)},
                        {"p999_us", samples->quantile_us(0.999)},
                        {"max_us", samples->quantile_us(1.0)},
                        {"low_tokens_per_second", low_rate}};
  print_line("{:>8} {:>7} {:>15} {:9.1f} {:9.1f} {:9.1f} {:9.1f} {:14.0f}", quantum, tokens,
             of.beside, row["p50_us"].get<double>(), row["p99_us"].get<double>(),
             row["p999_us"].get<double>(), row["max_us"].get<double>(), low_rate);
  return row;
}

}  // namespace

Result<nlohmann::json> measure_latency(const GpuBenchRun& run) {
  nlohmann::json rows = nlohmann::json::array();
  print_line("{:>8} {:>7} {:>15} {:>9} {:>9} {:>9} {:>9} {:>14}", "quantum", "tokens", "beside",
             "p50 us", "p99", "p99.9", "max", "LOW tokens/s");
  for (const uint32_t quantum : run.options.quanta) {
    for (const Case& of : cases) {
      const auto backend = run.make_backend(quantum, of.low_share);
      if (!backend) return backend.error();
      for (const uint32_t tokens : run.options.high_tokens) {
        auto row = measure_case(run, **backend, of, quantum, tokens);
        if (!row) return row.error();
        rows.push_back(*std::move(row));
      }
    }
  }
  return rows;
}

}  // namespace hilo
