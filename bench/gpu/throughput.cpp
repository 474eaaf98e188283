// Texts and tokens a second of the LOW lane alone, by the length of texts and by the quantum.
#include <chrono>

#include "gpu/gpu_bench.h"
#include "support/report.h"

namespace hilo {
namespace {

// One batch is computed and one made ready meanwhile; one thread shows what that is worth.
constexpr size_t threads_of_low = 2;

double texts_per_second(const Backend& backend, uint32_t tokens, uint32_t quantum, size_t threads,
                        double seconds, bool& failed) {
  const LowLoad load(backend, tokens, quantum, threads);
  const std::chrono::duration<double> pause{seconds};
  std::this_thread::sleep_for(pause / 4);  // Warm.
  const uint64_t before = load.texts();
  const Instant began = monotonic_now();
  std::this_thread::sleep_for(pause);
  const uint64_t texts = load.texts() - before;
  const Nanoseconds took = monotonic_now() - began;
  failed = failed || load.failed();
  return static_cast<double>(texts) * second_ns / static_cast<double>(took);
}

}  // namespace

Result<nlohmann::json> measure_throughput(const GpuBenchRun& run) {
  nlohmann::json rows = nlohmann::json::array();
  bool failed = false;
  print_line("{:>8} {:>7} {:>8} {:>12} {:>14}", "quantum", "tokens", "threads", "texts/s",
             "tokens/s");
  for (const uint32_t quantum : run.options.quanta) {
    const auto backend = run.make_backend(quantum);
    if (!backend) return backend.error();
    for (const size_t threads : {threads_of_low, size_t{1}}) {
      for (const uint32_t tokens : run.options.tokens) {
        if (threads == 1 && tokens != 128) continue;
        const double texts =
            texts_per_second(**backend, tokens, quantum, threads, run.options.seconds, failed);
        print_line("{:>8} {:>7} {:>8} {:12.0f} {:14.0f}", quantum, tokens, threads, texts,
                   texts * tokens);
        rows.push_back({{"quantum", quantum},
                        {"tokens", tokens},
                        {"threads", threads},
                        {"texts_per_second", texts},
                        {"tokens_per_second", texts * tokens}});
      }
    }
  }
  if (failed) return Error{"a batch of LOW failed"};
  return rows;
}

}  // namespace hilo
