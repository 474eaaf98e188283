// AVX-512 with VNNI, BF16 and AMX: products of tiles of 16 rows of 64 bytes, 16 x 16 sums at once.
//
//            left                    right                 sums
//        64 bytes: 16 groups      16 groups x 16         16 x 16
//   16 |  tile 4   |            | tile 6 | tile 7 |    | tile 0 | tile 1 |
//   16 |  tile 5   |                                   | tile 2 | tile 3 |
//
// A step of depth is 16 groups: four tiles are read, and four products of tiles computed, of which
// each reads one of them for the second time.
#if defined(__x86_64__)
#include "backend/cpu/intrinsics_avx512.inc"

namespace hilo {
namespace {

// The order matters: each uses what stands before it.
// clang-format off
#include "backend/cpu/vector_avx512.inc"
#include "backend/cpu/product_simd.inc"
// clang-format on

constexpr size_t tile_rows = 16;
constexpr size_t tile_groups = 16;

// As the processor reads it: the bytes of a row and the rows of each tile.
struct TileConfiguration {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfiguration) == 64);
constexpr TileConfiguration tile_configuration;

void begin_thread() { _tile_loadconfig(&tile_configuration); }

// A core whose tiles are in use cannot rest deeply.
void end_thread() { _tile_release(); }

// The compiler does not know that tiles read and write memory.
inline void memory_is_read_or_written() { asm volatile("" ::: "memory"); }

struct Int8Tiles {
  static void add_upper() {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
  }
  static void add_lower() {
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
};

struct Bf16Tiles {
  static void add_upper() {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
  }
  static void add_lower() {
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
};

// What belongs to the steps of depth that a tile takes at once.
inline const uint8_t* fetch(const Upcoming& upcoming, const uint8_t* from) {
  const uint8_t* const end = from + tile_groups * upcoming.step_bytes;
  for (; from < end; from += cache_line_bytes) __builtin_prefetch(from, 0, 2);
  return end;
}

template <class Tiles>
void sum_with_tiles(const Product& product, const Group* right, float* sums, size_t sums_stride) {
  const bool lower = product.rows > tile_rows;
  const size_t left_bytes = product.left_stride * sizeof(Group);
  const size_t right_bytes = product.right_stride * sizeof(Group);
  const size_t sums_bytes = sums_stride * sizeof(float);
  const Group* left = product.left;
  const Group* const lower_left = left + tile_rows * product.left_stride;
  const uint8_t* upcoming = product.upcoming.data;
  memory_is_read_or_written();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (size_t k = 0; k < product.depth; k += tile_groups) {
    _tile_loadd(6, right, right_bytes);
    _tile_loadd(7, right + width, right_bytes);
    _tile_loadd(4, left + k, left_bytes);
    Tiles::add_upper();
    if (lower) {
      _tile_loadd(5, lower_left + k, left_bytes);
      Tiles::add_lower();
    }
    upcoming = fetch(product.upcoming, upcoming);
    right += tile_groups * product.right_stride;
  }
  _tile_stored(0, sums, sums_bytes);
  _tile_stored(1, sums + width, sums_bytes);
  if (lower) {
    _tile_stored(2, sums + tile_rows * sums_stride, sums_bytes);
    _tile_stored(3, sums + tile_rows * sums_stride + width, sums_bytes);
  }
  memory_is_read_or_written();
}

template <class Sums, class Tiles>
constexpr ProductKernel tile_kernel_of = {
    .rows_max = 2 * tile_rows,
    .multiply = multiply_panels<Sums, sum_with_tiles<Tiles>, 2 * tile_rows>,
};
constexpr ProductKernel bf16_kernel = tile_kernel_of<FloatSums, Bf16Tiles>;
constexpr ProductKernel int8_kernel = tile_kernel_of<IntegerSums, Int8Tiles>;

#include "backend/cpu/rows_simd.inc"

}  // namespace

const CpuKernels amx_kernels = kernels_of_this_level;

}  // namespace hilo
#endif
