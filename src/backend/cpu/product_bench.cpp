// Speed of one linear layer, in operations a second to be held against the core's peak (`./dev
// bench peaks`): weights of the shapes of MiniLM, larger than the nearest caches as in a whole
// model.
//   HILO_CPU=LEVEL  as for the engine
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "backend/cpu/choose_kernels.h"
#include "backend/cpu/linear.h"

namespace hilo {
namespace {

CpuLevel bench_level() {
  auto level = select_cpu_level();
  if (level.ok()) return *level;
  std::fprintf(stderr, "product_bench: %s\n", level.error().message.c_str());
  std::exit(1);
}

std::vector<float> random_floats(size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> distribution(0.0F, 1.0F);
  std::vector<float> floats(count);
  for (float& number : floats) number = distribution(random);
  return floats;
}

// Layers that are used in turn, so that their weights come from where a model's would.
constexpr size_t layers = 8;

void linear(benchmark::State& state, Precision precision) {
  const CpuKernels& kernels = kernels_for(bench_level());
  if (kernel_for(kernels, precision).multiply == nullptr)
    return state.SkipWithError("this level has no such instructions");
  const auto rows = static_cast<size_t>(state.range(0));
  const auto depth = static_cast<size_t>(state.range(1));
  const auto columns = static_cast<size_t>(state.range(2));

  WeightArena arena;
  std::vector<PackedLinear> weights;
  for (size_t layer = 0; layer < layers; ++layer) {
    PackedLinear& packed =
        weights.emplace_back(precision, depth, columns, kernels.panel_columns, arena);
    const std::vector<float> column_weights = random_floats(depth);
    for (size_t column = 0; column < columns; ++column) packed.place(column, column_weights, 0.0F);
  }
  Activations in(precision, rows, depth);
  Activations out(Precision::fp32, rows, columns);
  const Operand operand = in.operand();
  const YieldGate gate;
  const Destination to{.to = out.matrix(),
                       .columns = out.matrix().stride,
                       .block_stride = 0,
                       .epilogue = state.range(3) != 0 ? Epilogue::bias_gelu : Epilogue::bias};
  if (kernels.begin != nullptr) kernels.begin();
  size_t layer = 0;
  for (auto _ : state) {
    const PackedLinear& packed = weights[layer++ % layers];
    apply_linear(kernels, packed, {0, packed.panels()}, {operand, rows}, to, gate);
  }
  if (kernels.end != nullptr) kernels.end();
  const double operations = 2.0 * static_cast<double>(rows * depth * columns);
  state.counters["operations"] = benchmark::Counter(
      operations * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "depth", "columns", "gelu"});
  for (const int rows : {32, 128}) {
    bench->Args({rows, 384, 1152, 0});
    bench->Args({rows, 384, 1536, 1});
    bench->Args({rows, 1536, 384, 0});
  }
}
BENCHMARK_CAPTURE(linear, fp32, Precision::fp32)->Apply(shapes);
BENCHMARK_CAPTURE(linear, bf16, Precision::bf16)->Apply(shapes);
BENCHMARK_CAPTURE(linear, int8, Precision::int8)->Apply(shapes);

}  // namespace
}  // namespace hilo
