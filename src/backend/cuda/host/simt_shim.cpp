#include "backend/cuda/host/simt_shim.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <ucontext.h>
#include <vector>

#include <fmt/format.h>

#include "base/ensure.h"

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
// What plays the GPU is no part of the program whose races are looked for.
#define SHIM __attribute__((no_sanitize_thread, noinline))
#else
#define SHIM __attribute__((noinline))
#endif

namespace hilo::simt {
namespace {

constexpr uint32_t lanes = 32;
constexpr size_t stack_bytes = size_t{64} * 1024;
constexpr size_t shared_bytes_max = size_t{48} * 1024;

enum class State { ready, at_block_barrier, at_warp, done };

struct Fibre {
  ucontext_t context;
  State state;
  int line;                    // where it waits
  uint32_t mask;               // of a shuffle: whose value it wants
  float value;                 // what it gives, then what it gets
  const WarpProduct* product;  // what it takes part in; null for a shuffle
  uint32_t block_barriers;
  uint32_t warp_meetings;
  void* sanitizers;
};

// The GPU of one thread of the host.
class Gpu {
 public:
  int run_grid(Grid grid, uint32_t threads, Body body) {
    ENSURE(current_ == nullptr);
    ENSURE(threads % lanes == 0);
    fault_.clear();
    body_ = body;
    reserve(threads);
    for (y_ = 0; y_ < grid.y && fault_.empty(); ++y_)
      for (x_ = 0; x_ < grid.x && fault_.empty(); ++x_) run_block();
    return fault_.empty() ? 0 : launch_failure;
  }

  void set_order(Order order) { order_ = order; }
  const std::string& fault() const { return fault_; }

  SHIM uint32_t thread() const { return index(*current_); }
  SHIM uint32_t block_x() const { return x_; }
  SHIM uint32_t block_y() const { return y_; }
  std::span<std::byte> shared() { return shared_; }

  SHIM void wait_for_block(int line) {
    Fibre& fibre = *current_;
    fibre.line = line;
    meet(State::at_block_barrier, &block_tags_[fibre.block_barriers++ % 2]);
  }
  SHIM float wait_for_warp(uint32_t mask, float value, const WarpProduct* product, int line) {
    Fibre& fibre = *current_;
    fibre.line = line;
    fibre.mask = mask;
    fibre.value = value;
    fibre.product = product;
    meet(State::at_warp, &warp_tags_[index(fibre) / lanes][fibre.warp_meetings++ % 2]);
    return fibre.value;
  }

 private:
  void reserve(uint32_t threads) {
    if (stacks_.size() < threads * stack_bytes) stacks_.resize(threads * stack_bytes);
    fibres_.resize(threads);
    warp_tags_.resize(threads / lanes);
  }

  uint32_t index(const Fibre& fibre) const {
    return static_cast<uint32_t>(&fibre - fibres_.data());
  }
  std::span<Fibre> warp(uint32_t number) {
    return std::span{fibres_}.subspan(size_t{number} * lanes, lanes);
  }
  uint32_t warps() const { return static_cast<uint32_t>(fibres_.size()) / lanes; }

  // ---- From the host to fibres and back

  static void enter() {
    Gpu& gpu = mine();
    gpu.body_.call(gpu.body_.context);
    gpu.leave_for_good();
  }
  SHIM void leave_for_good() {
    ENSURE(current_ != nullptr);
    current_->state = State::done;
    switch_to_host(/*ordered=*/true);
  }

  void start(Fibre& fibre) {
    ENSURE(::getcontext(&fibre.context) == 0);
    fibre.context.uc_stack.ss_sp = stacks_.data() + index(fibre) * stack_bytes;
    fibre.context.uc_stack.ss_size = stack_bytes;
    fibre.context.uc_link = nullptr;
    ::makecontext(&fibre.context, &Gpu::enter, 0);
    fibre.state = State::ready;
    fibre.block_barriers = fibre.warp_meetings = 0;
#if defined(__SANITIZE_THREAD__)
    fibre.sanitizers = __tsan_create_fiber(0);
#endif
  }

  SHIM void resume(Fibre& fibre) {
    current_ = &fibre;
#if defined(__SANITIZE_THREAD__)
    hosts_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fibre.sanitizers, 0);
#endif
    ::swapcontext(&host_, &fibre.context);
    current_ = nullptr;
  }
  // What a fibre did is ordered before what others do only where it has met them.
  SHIM void switch_to_host([[maybe_unused]] bool ordered) {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(&end_tag_);
    __tsan_switch_to_fiber(hosts_, ordered ? 0 : __tsan_switch_to_fiber_no_sync);
#endif
    ::swapcontext(&current_->context, &host_);
  }

  SHIM void meet(State state, [[maybe_unused]] char* tag) {
    current_->state = state;
#if defined(__SANITIZE_THREAD__)
    __tsan_release(tag);
    switch_to_host(/*ordered=*/false);
    __tsan_acquire(tag);
#else
    switch_to_host(/*ordered=*/false);
#endif
  }

  // ---- One block

  SHIM void run_block() {
    // All bits set is not a number in fp32, bf16 and fp16.
    std::ranges::fill(shared_, std::byte{0xff});
    for (Fibre& fibre : fibres_) start(fibre);
    while (fault_.empty() && step()) {
    }
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(&end_tag_);  // Also of those that a fault has left where they were.
    for (Fibre& fibre : fibres_) __tsan_destroy_fiber(fibre.sanitizers);
#endif
  }

  // Runs everything that can run. False when the block is finished.
  SHIM bool step() {
    bool moved = false;
    if (order_ == Order::warps_ascending || order_ == Order::warps_descending) {
      for (uint32_t i = 0; i < warps(); ++i) {
        const uint32_t number = order_ == Order::warps_ascending ? i : warps() - 1 - i;
        while (run_ready(warp(number)) || release_warp(number)) moved = true;
      }
    } else {
      moved = run_ready(fibres_);
      for (uint32_t number = 0; number < warps(); ++number)
        if (release_warp(number)) moved = true;
    }
    if (std::ranges::all_of(fibres_, [](const Fibre& f) { return f.state == State::done; }))
      return false;
    if (release_block()) moved = true;
    if (!moved) fail("some lanes never come to what their warp does together");
    return true;
  }

  // Odd steps through a power of two come to each once.
  uint32_t place(uint32_t i, uint32_t count) const {
    if (order_ == Order::descending) return count - 1 - i;
    if (order_ == Order::mixed && std::has_single_bit(count)) return i * 0x9e3779b1U % count;
    return i;
  }
  SHIM bool run_ready(std::span<Fibre> fibres) {
    bool ran = false;
    const auto count = static_cast<uint32_t>(fibres.size());
    for (uint32_t i = 0; i < count; ++i) {
      Fibre& fibre = fibres[place(i, count)];
      if (fibre.state != State::ready) continue;
      resume(fibre);
      ran = true;
    }
    return ran;
  }

  SHIM bool release_warp(uint32_t number) {
    const std::span<Fibre> all = warp(number);
    const Fibre& first = all[0];
    for (const Fibre& fibre : all) {
      if (fibre.state != State::at_warp || fibre.line != first.line || fibre.mask != first.mask)
        return false;
    }
    if (first.product != nullptr)
      multiply(all);
    else
      shuffle(all);
    for (Fibre& fibre : all) fibre.state = State::ready;
    return true;
  }

  static void shuffle(std::span<Fibre> all) {
    std::array<float, lanes> given{};
    for (uint32_t lane = 0; lane < lanes; ++lane) given[lane] = all[lane].value;
    for (uint32_t lane = 0; lane < lanes; ++lane)
      all[lane].value = given[(lane ^ all[0].mask) % lanes];
  }

  // By fragments' definition, as PTX gives it for mma.m16n8k16. Operands lie on the fibres' stacks.
  SHIM static void multiply(std::span<Fibre> all) {
    constexpr uint32_t depth = 16;
    float left[16][depth];
    float right[8][depth];
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      const WarpProduct& of = *all[lane].product;
      const uint32_t group = lane / 4;
      for (uint32_t i = 0; i < 2; ++i) {  // of a pair
        const uint32_t column = 2 * (lane % 4) + i;
        const auto number = [&](uint32_t word) {
          return of.widen(static_cast<uint16_t>(word >> 16 * i));
        };
        left[group][column] = number(of.left[0]);
        left[group + 8][column] = number(of.left[1]);
        left[group][column + 8] = number(of.left[2]);
        left[group + 8][column + 8] = number(of.left[3]);
        right[group][column] = number(of.right[0]);
        right[group][column + 8] = number(of.right[1]);
      }
    }
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      for (uint32_t i = 0; i < 4; ++i) {
        const float* row = left[lane / 4 + i / 2 * 8];
        const float* column = right[2 * (lane % 4) + i % 2];
        float sum = 0.0F;
        for (uint32_t k = 0; k < depth; ++k) sum += row[k] * column[k];
        all[lane].product->sums[i] += sum;
      }
    }
  }

  // Stricter than a GPU, on which threads that have ended need not come.
  SHIM bool release_block() {
    const auto waits = [](const Fibre& f) { return f.state == State::at_block_barrier; };
    if (std::ranges::none_of(fibres_, waits)) return false;
    const auto running = [](const Fibre& f) { return f.state == State::ready; };
    if (std::ranges::any_of(fibres_, running)) return false;
    const bool together = std::ranges::all_of(
        fibres_, [&](const Fibre& f) { return waits(f) && f.line == fibres_[0].line; });
    if (!together) {
      fail("the block's barrier is not reached by all threads at one place");
      return false;
    }
    for (Fibre& fibre : fibres_) fibre.state = State::ready;
    return true;
  }

  void fail(const char* why) {
    fault_ = fmt::format("block {}, {}: {}", x_, y_, why);
    const Fibre* before = nullptr;
    for (const Fibre& fibre : fibres_) {
      if (before != nullptr && before->state == fibre.state && before->line == fibre.line) continue;
      fault_ += fmt::format("; from thread {}: {}", index(fibre), describe(fibre));
      before = &fibre;
    }
  }
  static std::string describe(const Fibre& fibre) {
    if (fibre.state == State::done) return "ended";
    const char* what = fibre.state == State::at_warp ? "at the warp's" : "at the block's barrier,";
    return fmt::format("{} line {}", what, fibre.line);
  }

 public:
  static Gpu& mine() {
    thread_local Gpu gpu;
    return gpu;
  }

 private:
  Order order_ = Order::ascending;
  std::string fault_;
  Body body_{};
  uint32_t x_ = 0;
  uint32_t y_ = 0;
  std::vector<char> stacks_;
  std::vector<Fibre> fibres_;
  Fibre* current_ = nullptr;
  ucontext_t host_{};
#if defined(__SANITIZE_THREAD__)
  void* hosts_ = nullptr;
  char end_tag_ = 0;
#endif
  alignas(64) std::array<std::byte, shared_bytes_max> shared_{};
  // The thread sanitizer knows what is ordered by the addresses of these.
  // Two each, by turns: who runs ahead to the next meeting must not order itself before those who
  // still come from this one.
  std::array<char, 2> block_tags_{};
  std::vector<std::array<char, 2>> warp_tags_;
};

}  // namespace

void set_order(Order order) { Gpu::mine().set_order(order); }
const std::string& fault() { return Gpu::mine().fault(); }

uint32_t thread() { return Gpu::mine().thread(); }
uint32_t block_x() { return Gpu::mine().block_x(); }
uint32_t block_y() { return Gpu::mine().block_y(); }
void sync_block(int line) { Gpu::mine().wait_for_block(line); }
float shuffle_xor(float value, uint32_t mask, int line) {
  return Gpu::mine().wait_for_warp(mask, value, nullptr, line);
}
void multiply_in_warp(const WarpProduct& product, int line) {
  Gpu::mine().wait_for_warp(0, 0.0F, &product, line);
}
std::span<std::byte> shared_bytes() { return Gpu::mine().shared(); }

int run_grid(Grid grid, uint32_t threads, Body body) {
  return Gpu::mine().run_grid(grid, threads, body);
}

}  // namespace hilo::simt
