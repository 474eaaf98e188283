// Throughput of the encoder: tokens and texts a second for texts of equal length and for a natural
// mix, on one and two threads, each with batches of its own, as LOW workers do.
//   HILO_TEST_MODEL=DIR  takes that model's weights; otherwise random ones in the shape of
//   MiniLM-L6
//   HILO_TEST_PRECISION=bf16|int8, HILO_CPU=LEVEL  as for the engine; fp32 and the best if not set
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/random_model.h"

namespace hilo {
namespace {

Model bench_model() {
  const char* directory = std::getenv("HILO_TEST_MODEL");
  if (directory == nullptr) return random_model(minilm_l6_config);
  auto header = read_model_header(directory);
  if (header.ok()) {
    if (auto model = load_model(*header)) return std::move(*model);
  }
  std::fprintf(stderr, "encoder_bench: cannot load the model in HILO_TEST_MODEL=%s\n", directory);
  std::exit(1);
}

Precision bench_precision() {
  const char* wanted = std::getenv("HILO_TEST_PRECISION");
  for (const Precision precision : {Precision::bf16, Precision::int8})
    if (wanted != nullptr && std::string_view{wanted} == precision_name(precision))
      return precision;
  return Precision::fp32;
}

const Backend& backend() {
  static const std::unique_ptr<Backend> made = [] {
    auto level = select_cpu_level();
    if (!level.ok()) {
      std::fprintf(stderr, "encoder_bench: %s\n", level.error().message.c_str());
      std::exit(1);
    }
    return *make_cpu_backend(bench_model(), bench_precision(), *level);
  }();
  return *made;
}

// Batches of about 512 tokens.
constexpr uint32_t batch_tokens = 512;

struct BenchBatch {
  std::vector<uint32_t> ids;
  std::vector<uint32_t> sequence_start = {0};

  void add_text(uint32_t tokens, std::mt19937& random) {
    std::uniform_int_distribution<uint32_t> id(0, backend().vocabulary() - 1);
    for (uint32_t i = 0; i < tokens; ++i) ids.push_back(id(random));
    sequence_start.push_back(static_cast<uint32_t>(ids.size()));
  }
};

BenchBatch equal_lengths(uint32_t tokens) {
  BenchBatch batch;
  std::mt19937 random(1);
  while (batch.ids.size() + tokens <= batch_tokens) batch.add_text(tokens, random);
  return batch;
}

// News-like lengths: half of them under 53 tokens, one in twenty over 102, at most 256.
BenchBatch natural_mix() {
  BenchBatch batch;
  std::mt19937 random(1);
  std::lognormal_distribution<double> length(3.97, 0.40);
  while (batch.ids.size() < batch_tokens) {
    batch.add_text(static_cast<uint32_t>(std::clamp(length(random), 3.0, 256.0)), random);
  }
  return batch;
}

// A batch with all that running it takes.
struct Run {
  explicit Run(const BenchBatch& of)
      : tokens(static_cast<uint32_t>(of.ids.size())),
        texts(static_cast<uint32_t>(of.sequence_start.size() - 1)),
        workspace(backend().make_workspace(tokens, texts)),
        room(size_t{texts} * backend().dims()),
        batch{.ids = of.ids, .types = {}, .sequence_start = of.sequence_start} {
    for (uint32_t text = 0; text < texts; ++text)
      vectors.push_back(room.data() + size_t{text} * backend().dims());
  }
  void count(benchmark::State& state) const {
    const auto runs = static_cast<double>(state.iterations());
    state.counters["tokens"] = benchmark::Counter(runs * tokens, benchmark::Counter::kIsRate);
    state.counters["texts"] = benchmark::Counter(runs * texts, benchmark::Counter::kIsRate);
  }

  uint32_t tokens, texts;
  std::unique_ptr<Workspace> workspace;
  std::vector<float> room;
  std::vector<float*> vectors;
  YieldGate gate;
  TokenBatch batch;
};

void encode(benchmark::State& state, const BenchBatch& batch) {
  Run run(batch);
  for (auto _ : state) backend().run(run.batch, *run.workspace, run.gate, run.vectors);
  run.count(state);
}

void equal_tokens(benchmark::State& state) {
  encode(state, equal_lengths(static_cast<uint32_t>(state.range(0))));
}
BENCHMARK(equal_tokens)->Arg(8)->Arg(32)->Arg(128)->Arg(256)->Threads(1)->Threads(2)->UseRealTime();

void mixed_tokens(benchmark::State& state) { encode(state, natural_mix()); }
BENCHMARK(mixed_tokens)->Threads(1)->Threads(2)->UseRealTime();

// One text alone, as HIGH sends it.
void single_text(benchmark::State& state) {
  std::mt19937 random(1);
  BenchBatch batch;
  batch.add_text(static_cast<uint32_t>(state.range(0)), random);
  encode(state, batch);
}
BENCHMARK(single_text)->Arg(8)->Arg(32)->Arg(64)->Arg(128)->UseRealTime();

// The same on two cores.
void single_text_on_two_cores(benchmark::State& state) {
  std::mt19937 random(1);
  BenchBatch batch;
  batch.add_text(static_cast<uint32_t>(state.range(0)), random);
  Run run(batch);
  const auto own = backend().make_workspace(run.tokens, run.texts);
  Crew crew{2};
  std::atomic<bool> stopping = false;
  std::thread other([&] {
    while (!stopping.load(std::memory_order_relaxed)) {
      std::optional<Crew::Member> member = crew.join();
      if (!member) continue;
      backend().assist(run.batch, *run.workspace, *own, *member, run.vectors);
      crew.leave();
    }
  });
  for (auto _ : state) {
    crew.wait_until_alone();
    Crew::Member leader = crew.open();
    backend().lead(run.batch, *run.workspace, leader, run.gate, run.vectors);
    crew.close();
  }
  stopping.store(true, std::memory_order_relaxed);
  other.join();
  run.count(state);
}
BENCHMARK(single_text_on_two_cores)->Arg(8)->Arg(32)->Arg(64)->Arg(128)->UseRealTime();

}  // namespace
}  // namespace hilo
