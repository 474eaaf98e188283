// A GPU played on the host, for tests: kernels written in the words of kernels/simt.h run here as
// they are. Each of a block's threads is a fibre with a stack of its own; fibres run one at a time,
// in an order that the test chooses, and give way only where a kernel synchronises. Blocks run one
// after another.
//
// Shared memory is full of not-a-number when a block begins, so what is read before it was written
// shows. A launch fails, and fault() says why, where on a GPU it would hang or have no defined
// outcome:
//   - a block's barrier that some threads do not reach, or reach at another place of the source
//   - a warp's shuffle or product that some lanes do not reach, or reach at another place
// Under the thread sanitizer, fibres are threads to it that only barriers and shuffles order, so it
// reports races between them.
//
// Threads: each thread of the host plays a GPU of its own.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "backend/cuda/kernels.h"

namespace hilo::simt {

// Rounds through all threads, or one warp after another, each until it waits for the block. Only
// the latter show that a warp overtakes another.
enum class Order { ascending, descending, mixed, warps_ascending, warps_descending };
inline constexpr Order all_orders[] = {Order::ascending, Order::descending, Order::mixed,
                                       Order::warps_ascending, Order::warps_descending};
void set_order(Order order);

// What was wrong with the last launch of this thread that failed.
const std::string& fault();
inline constexpr int launch_failure = 719;  // as the CUDA runtime counts errors

struct Grid {
  uint32_t x;
  uint32_t y = 1;
};

// ---- What kernels call

uint32_t thread();
uint32_t block_x();
uint32_t block_y();
void sync_block(int line = __builtin_LINE());
float shuffle_xor(float value, uint32_t mask, int line = __builtin_LINE());

// A lane's part of a product of matrices by the whole warp: see kernels/mma.h for what lies where.
struct WarpProduct {
  const uint32_t* left;   // 4 words
  const uint32_t* right;  // 2 words
  float* sums;            // 4
  float (*widen)(uint16_t);
};
void multiply_in_warp(const WarpProduct& product, int line = __builtin_LINE());
inline float reciprocal_fast(float x) { return 1.0F / x; }
inline float exp2_fast(float x) { return exp2f(x); }

std::span<std::byte> shared_bytes();
template <class Type>
Type* shared_memory() {
  static_assert(sizeof(Type) <= size_t{48} * 1024);  // What a kernel may declare.
  return reinterpret_cast<Type*>(shared_bytes().first(sizeof(Type)).data());
}

// ---- What launches them

struct Body {
  void (*call)(const void* context);
  const void* context;
};
int run_grid(Grid grid, uint32_t threads, Body body);

template <class Arguments>
int launch(void (*kernel)(Arguments), Grid grid, uint32_t threads, const Arguments& arguments,
           CudaStream*) {
  const auto call = [&] { kernel(arguments); };
  return run_grid(
      grid, threads,
      {[](const void* context) { (*static_cast<const decltype(call)*>(context))(); }, &call});
}

}  // namespace hilo::simt
