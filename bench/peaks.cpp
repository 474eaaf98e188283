// What this machine's cores can do at most, in this minute: every kernel's figure is a share of one
// of these. Each instruction runs on registers alone, on all cores at once, and the best of a few
// short runs counts, because a shared machine is sometimes slower and never faster.
#include <algorithm>
#include <barrier>
#include <cstdint>
#include <iterator>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/cpu_level.h"
#include "support/report.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hilo {
namespace {

struct Options {
  std::string json;
  double seconds = 0.2;
  int runs = 3;
};

// Runs for about a tenth of a millisecond and returns how many operations that was. A
// multiplication and the addition of its result are two.
using Burst = uint64_t (*)();

struct Peak {
  const char* name;
  const char* what;
  bool supported;
  Burst burst;
};

#if defined(__x86_64__)

constexpr int rounds = 5000;
// Two units of four cycles each keep eight instructions under way. Twelve sums hide the loop too.
constexpr int sums = 12;

// In assembly, so that nothing but the instruction is measured, whatever the compiler. All operands
// are zero: vzeroall clears the low half of the registers, at every width.
void clear_registers() {
  asm volatile("vzeroall" ::
                   : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                     "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

uint64_t burst_fma_avx2() {
  clear_registers();
  for (int round = 0; round < rounds; ++round)
    asm volatile(
        ".irp sum,0,1,2,3,4,5,6,7,8,9,10,11\n"
        "vfmadd231ps %ymm12, %ymm13, %ymm\\sum\n"
        ".endr");
  return uint64_t{rounds} * sums * 8 * 2;
}

uint64_t burst_fma_avx512() {
  clear_registers();
  for (int round = 0; round < rounds; ++round)
    asm volatile(
        ".irp sum,0,1,2,3,4,5,6,7,8,9,10,11\n"
        "vfmadd231ps %zmm12, %zmm13, %zmm\\sum\n"
        ".endr");
  return uint64_t{rounds} * sums * 16 * 2;
}

uint64_t burst_bf16() {
  clear_registers();
  for (int round = 0; round < rounds; ++round)
    asm volatile(
        ".irp sum,0,1,2,3,4,5,6,7,8,9,10,11\n"
        "vdpbf16ps %zmm12, %zmm13, %zmm\\sum\n"
        ".endr");
  return uint64_t{rounds} * sums * 32 * 2;
}

uint64_t burst_vnni() {
  clear_registers();
  for (int round = 0; round < rounds; ++round)
    asm volatile(
        ".irp sum,0,1,2,3,4,5,6,7,8,9,10,11\n"
        "vpdpbusd %zmm12, %zmm13, %zmm\\sum\n"
        ".endr");
  return uint64_t{rounds} * sums * 64 * 2;
}

// Eight tiles of 16 rows of 64 bytes: four hold sums, four what is multiplied.
struct alignas(64) TileShape {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileShape) == 64);  // The processor reads it.
constexpr uint64_t tile_products_int8 = 16 * 16 * 64;
constexpr uint64_t tile_products_bf16 = tile_products_int8 / 2;

[[gnu::target("amx-tile")]] void open_tiles() {
  // Static, because g++ 12 does not see that the instruction reads all of it, and would not write a
  // local one whole.
  static constexpr TileShape shape;
  _tile_loadconfig(&shape);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
}

[[gnu::target("amx-tile,amx-int8")]] uint64_t burst_amx_int8() {
  open_tiles();
  for (int round = 0; round < rounds; ++round) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
  return uint64_t{rounds} * 4 * tile_products_int8 * 2;
}

[[gnu::target("amx-tile,amx-bf16")]] uint64_t burst_amx_bf16() {
  open_tiles();
  for (int round = 0; round < rounds; ++round) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  return uint64_t{rounds} * 4 * tile_products_bf16 * 2;
}

std::vector<Peak> peaks() {
  const bool tiles = best_cpu_level() == CpuLevel::amx;  // Asks Linux for them, too.
  const bool wide = __builtin_cpu_supports("avx512f");
  return {
      {"fma_avx2", "FMA, fp32, AVX2", __builtin_cpu_supports("fma") != 0, burst_fma_avx2},
      {"fma", "FMA, fp32, AVX-512", wide, burst_fma_avx512},
      {"bf16", "dot products, bf16, AVX-512", __builtin_cpu_supports("avx512bf16") != 0,
       burst_bf16},
      {"vnni", "dot products, int8, AVX-512", __builtin_cpu_supports("avx512vnni") != 0,
       burst_vnni},
      {"amx_bf16", "tiles, bf16, AMX", tiles, burst_amx_bf16},
      {"amx_int8", "tiles, int8, AMX", tiles, burst_amx_int8},
  };
}

#else

std::vector<Peak> peaks() { return {}; }

#endif

// Operations a nanosecond, which is 10^9 a second, of this core.
double rate_of_one_core(Burst burst, double seconds) {
  uint64_t operations = 0;
  const Instant began = monotonic_now();
  Instant now = began;
  for (; now - began < static_cast<Nanoseconds>(seconds * second_ns); now = monotonic_now())
    operations += burst();
  return static_cast<double>(operations) / static_cast<double>(now - began);
}

std::vector<double> rate_of_each_core(Burst burst, double seconds) {
  std::vector<double> rates(std::max(1U, std::thread::hardware_concurrency()));
  std::barrier start{std::ssize(rates)};
  std::vector<std::jthread> threads;
  for (double& rate : rates)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      rate = rate_of_one_core(burst, seconds);
    });
  threads.clear();  // Waits for all.
  return rates;
}

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

int run(const Options& options) {
  nlohmann::json json = nlohmann::json::object();
  print_line("{:30} {:>12}   10^9 operations a second", "", "all cores");
  for (const Peak& peak : peaks()) {
    if (!peak.supported) {
      print_line("{:30} {:>12}", peak.what, "none here");
      continue;
    }
    std::vector<double> best;
    for (int i = 0; i < options.runs; ++i) {
      std::vector<double> rates = rate_of_each_core(peak.burst, options.seconds);
      if (sum(rates) > sum(best)) best = std::move(rates);
    }
    print_line("{:30} {:12.0f}   {:.0f}", peak.what, sum(best), fmt::join(best, " + "));
    json[peak.name] = sum(best);
  }
  return finish_benchmark({}, options.json, json);
}

}  // namespace
}  // namespace hilo

int main(int count, char** arguments) {
  CLI::App app{"The most that the cores can compute, by instruction."};
  hilo::Options options;
  hilo::add_json_option(app, options.json);
  app.add_option("--seconds", options.seconds, "For each run")->capture_default_str();
  app.add_option("--runs", options.runs, "The best one counts")->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  return hilo::run(options);
}
