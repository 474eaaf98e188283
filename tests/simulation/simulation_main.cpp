// Runs seeds and tells how near each property came to its bound. Each seed is run twice at the
// beginning, to show that it repeats itself.
//
//   simulation [SEEDS [FIRST [device]]]   one after the other; a seed that fails is told
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include <fmt/format.h>

#include "world.h"

namespace hilo::simulation {
namespace {

constexpr uint64_t seeds_repeated = 50;

volatile uint64_t seed_under_way = 0;

// A broken rule inside the engine aborts; that, too, tells its seed.
void tell_seed(int) {
  char text[64];
  const auto end = fmt::format_to_n(text, sizeof text, "seed {} broke a rule of the engine\n",
                                    uint64_t{seed_under_way});
  static_cast<void>(::write(STDOUT_FILENO, text, end.size));
  ::_exit(EXIT_FAILURE);
}

struct Sum {
  Ratios ratios;
  uint64_t digest = 0;
  uint64_t ticks = 0;
  uint64_t tasks = 0;
};

void run_seed(uint64_t seed, Encoding encoding, bool twice, SessionPool& pool, Sum& sum) {
  seed_under_way = seed;
  const Outcome outcome = run(seed, encoding, pool);
  if (twice && run(seed, encoding, pool).digest != outcome.digest)
    throw Violation{"the second run of the seed decides otherwise"};
  sum.ratios.raise(outcome.ratios);
  sum.digest = sum.digest * 31 + outcome.digest;
  sum.ticks += outcome.ticks;
  sum.tasks += outcome.tasks;
}

int run_seeds(uint64_t first, uint64_t count, Encoding encoding) {
  SessionPool pool;
  Sum sum;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    try {
      run_seed(seed, encoding, seed < first + seeds_repeated, pool, sum);
    } catch (const Violation& violation) {
      fmt::print("seed {} violates {}\nrepeat it: simulation 1 {}{}\n", seed, violation.what, seed,
                 encoding == Encoding::on_device ? " device" : "");
      return EXIT_FAILURE;
    }
  }
  fmt::print("{} seeds from {}: {} tasks, {} ticks, digest {:016x}; worst of its bound:\n", count,
             first, sum.tasks, sum.ticks, sum.digest);
  for (size_t i = 0; i < Ratios::count; ++i)
    fmt::print("  {:<46} {:.3f}\n", Ratios::names[i], sum.ratios.worst[i]);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace hilo::simulation

int main(int count, char** arguments) {
  std::signal(SIGABRT, hilo::simulation::tell_seed);
  const uint64_t seeds = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 300;
  const uint64_t first = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1;
  const bool device = count > 3 && std::strcmp(arguments[3], "device") == 0;
  using hilo::simulation::Encoding;
  return hilo::simulation::run_seeds(first, seeds,
                                     device ? Encoding::on_device : Encoding::on_cores);
}
