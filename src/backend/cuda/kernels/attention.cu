// Attention over texts of any length, without padding. A block has one head and a tile of up to 16
// queries of one text, four a warp. It walks over the text's keys in chunks of 32, one a lane, and
// keeps for each query the largest score so far, so that no row of scores is ever stored:
//
//                 32 keys          largest' = max(largest, scores)
//              +------------+      total'   = total * e^(largest - largest') + sum of powers
//   4 queries  |   scores   |      mixed'   = mixed * e^(largest - largest') + powers x values
//              +------------+
//
// A key's bias adds the same to all scores of a query, which changes no softmax, and a value's bias
// comes out of a mean as it is. So keys and values are used as their product left them, and only
// queries and context are given a bias, in fp32.
//
// A query's sums run over its own text's keys in their order: what else is in the batch, and which
// queries share the tile, changes none of its bits.
#include "backend/cuda/kernels/numbers.h"

namespace hilo::simt {
namespace {

constexpr uint32_t warps = 4;
constexpr uint32_t attention_threads = warps * warp_threads;
constexpr uint32_t queries_per_warp = cuda_tile_queries / warps;
constexpr uint32_t keys_per_chunk = warp_threads;

template <uint32_t Head>
struct Shared {
  // Two more numbers a row put the lanes' keys into different banks.
  static constexpr uint32_t key_stride = Head + 2;

  alignas(16) float queries[cuda_tile_queries][Head];
  alignas(16) float powers[warps][keys_per_chunk][queries_per_warp];
  alignas(16) uint16_t keys[keys_per_chunk * key_stride];
  alignas(16) uint16_t values[keys_per_chunk * Head];
};

// What a block works on.
struct Place {
  CudaTile tile;
  uint32_t first_column;  // of the head, within queries, keys or values
  uint32_t row_columns;   // queries, keys and values of one token
  uint32_t width;         // of queries alone
};

// The numbers of a unit of columns in one row of the block's head, from `part`: queries, keys or
// values. What the template's head has more than the model's is zero.
SIMT_DEVICE Few<cuda_width_unit> read_unit(const CudaAttention& attention, const Place& place,
                                           uint32_t row, uint32_t part, uint32_t column) {
  if (column >= attention.head || row >= place.tile.text_end) return {};
  return load<cuda_width_unit>(attention.qkv + static_cast<uint64_t>(row) * place.row_columns +
                               part * place.width + place.first_column + column);
}

template <class Format, uint32_t Head>
SIMT_DEVICE void load_queries(const CudaAttention& attention, const Place& place,
                              Shared<Head>& shared) {
  constexpr uint32_t units = Head / cuda_width_unit;
  for (uint32_t i = thread(); i < cuda_tile_queries * units; i += attention_threads) {
    const uint32_t column = i % units * cuda_width_unit;
    const auto few = read_unit(attention, place, place.tile.first_query + i / units, 0, column);
    for (uint32_t k = 0; k < cuda_width_unit; ++k) {
      const bool inside = column < attention.head;
      const float bias = inside ? attention.bias[place.first_column + column + k] : 0.0F;
      shared.queries[i / units][column + k] = (Format::widen(few.bits[k]) + bias) * attention.scale;
    }
  }
}

template <uint32_t Head>
SIMT_DEVICE void load_chunk(const CudaAttention& attention, const Place& place, uint32_t first_key,
                            Shared<Head>& shared) {
  constexpr uint32_t units = Head / cuda_width_unit;
  for (uint32_t i = thread(); i < keys_per_chunk * units; i += attention_threads) {
    const uint32_t key = i / units;
    const uint32_t column = i % units * cuda_width_unit;
    const auto keys = read_unit(attention, place, first_key + key, 1, column);
    for (uint32_t k = 0; k < cuda_width_unit; k += 2)
      store(shared.keys + key * Shared<Head>::key_stride + column + k,
            Few<2>{{keys.bits[k], keys.bits[k + 1]}});
    store(shared.values + key * Head + column,
          read_unit(attention, place, first_key + key, 2, column));
  }
}

// The state of a warp's queries: each lane has `mine` columns of what is mixed.
template <uint32_t Head>
struct Softmax {
  static constexpr uint32_t mine = Head / warp_threads;
  float largest[queries_per_warp];
  float total[queries_per_warp];  // of this lane's keys
  float mixed[queries_per_warp][mine];
};

// One lane's key against the warp's queries.
template <class Format, uint32_t Head>
SIMT_DEVICE void score(const Shared<Head>& shared, float (&scores)[queries_per_warp]) {
  const uint16_t* key = shared.keys + lane() * Shared<Head>::key_stride;
  for (float& sum : scores) sum = 0.0F;
  SIMT_UNROLL_8
  for (uint32_t column = 0; column < Head; column += 2) {
    const Few<2> few = load<2>(key + column);
    const float low = Format::widen(few.bits[0]);
    const float high = Format::widen(few.bits[1]);
    for (uint32_t q = 0; q < queries_per_warp; ++q) {
      const float* query = shared.queries[warp() * queries_per_warp + q] + column;
      scores[q] += query[0] * low + query[1] * high;
    }
  }
}

SIMT_DEVICE void add_distance_bias(const CudaAttention& attention, uint32_t query, uint32_t key,
                                   float& score) {
  const uint64_t row = static_cast<uint64_t>(block_y()) * (2 * attention.distances - 1);
  score += attention.distance_bias[row + key + attention.distances - 1 - query];
}

// Scores to powers, and what was mixed so far to the new scale.
template <uint32_t Head>
SIMT_DEVICE void rescale(Softmax<Head>& softmax, uint32_t q, float score, Shared<Head>& shared) {
  const float largest = fmaxf(softmax.largest[q], warp_max(score));
  const float shrink = expf(softmax.largest[q] - largest);
  const float power = expf(score - largest);
  softmax.largest[q] = largest;
  softmax.total[q] = softmax.total[q] * shrink + power;
  for (float& number : softmax.mixed[q]) number *= shrink;
  shared.powers[warp()][lane()][q] = power;
}

template <class Format, uint32_t Head>
SIMT_DEVICE void mix(const Shared<Head>& shared, Softmax<Head>& softmax) {
  constexpr uint32_t mine = Softmax<Head>::mine;
  SIMT_UNROLL_8
  for (uint32_t key = 0; key < keys_per_chunk; ++key) {
    const auto few = load<mine>(shared.values + key * Head + lane() * mine);
    for (uint32_t q = 0; q < queries_per_warp; ++q) {
      const float power = shared.powers[warp()][key][q];
      for (uint32_t i = 0; i < mine; ++i) softmax.mixed[q][i] += power * Format::widen(few.bits[i]);
    }
  }
}

template <class Format, uint32_t Head>
SIMT_DEVICE void attend_to_chunk(const CudaAttention& attention, const Place& place,
                                 uint32_t first_key, Shared<Head>& shared, Softmax<Head>& softmax) {
  const uint32_t key = first_key + lane();
  const uint32_t first_query = place.tile.first_query + warp() * queries_per_warp;
  float scores[queries_per_warp];
  score<Format>(shared, scores);
  SIMT_UNROLL
  for (uint32_t q = 0; q < queries_per_warp; ++q) {
    const bool inside = key < place.tile.text_end && first_query + q < place.tile.text_end;
    if (inside && attention.distance_bias != nullptr)
      add_distance_bias(attention, first_query + q, key, scores[q]);
    rescale(softmax, q, inside ? scores[q] : -INFINITY, shared);
  }
  sync_warp();
  mix<Format>(shared, softmax);
}

template <class Format, uint32_t Head>
SIMT_DEVICE void write_context(const CudaAttention& attention, const Place& place,
                               const Softmax<Head>& softmax) {
  constexpr uint32_t mine = Softmax<Head>::mine;
  const uint32_t first_query = place.tile.first_query + warp() * queries_per_warp;
  SIMT_UNROLL
  for (uint32_t q = 0; q < queries_per_warp; ++q) {
    const float scale = 1.0F / warp_sum(softmax.total[q]);
    if (first_query + q >= place.tile.text_end || lane() * mine >= attention.head) continue;
    Few<mine> few;
    const uint32_t column = place.first_column + lane() * mine;
    const float* bias = attention.bias + 2 * place.width + column;
    for (uint32_t i = 0; i < mine; ++i)
      few.bits[i] = Format::narrow(softmax.mixed[q][i] * scale + bias[i]);
    store(attention.context + static_cast<uint64_t>(first_query + q) * place.width + column, few);
  }
}

template <class Format, uint32_t Head>
SIMT_KERNEL(attention_threads)
attention_kernel(CudaAttention attention) {
  SIMT_SHARED(Shared<Head>, shared);
  if (block_x() >= attention.counts->tiles) return;
  const Place place{.tile = attention.tiles[block_x()],
                    .first_column = block_y() * attention.head,
                    .row_columns = 3 * attention.heads * attention.head,
                    .width = attention.heads * attention.head};
  load_queries<Format>(attention, place, shared);
  Softmax<Head> softmax = {};
  for (float& largest : softmax.largest) largest = -INFINITY;
  for (uint32_t key = place.tile.text_begin; key < place.tile.text_end; key += keys_per_chunk) {
    sync_block();  // All warps are done with the chunk before.
    load_chunk(attention, place, key, shared);
    sync_block();
    attend_to_chunk<Format>(attention, place, key, shared, softmax);
  }
  write_context<Format>(attention, place, softmax);
}

template <uint32_t Head>
int launch_attention(const CudaAttention& attention, CudaStream* stream) {
  const auto kernel = attention.format == cuda_bf16 ? attention_kernel<Bf16Format, Head>
                                                    : attention_kernel<Fp16Format, Head>;
  return launch(kernel, {attention.tiles_max, attention.heads}, attention_threads, attention,
                stream);
}

}  // namespace
}  // namespace hilo::simt

extern "C" int cuda_attend(const CudaAttention* attention, CudaStream* stream) {
  using namespace hilo::simt;
  static_assert(cuda_head_max == 128);
  if (attention->head <= 32) return launch_attention<32>(*attention, stream);
  if (attention->head <= 64) return launch_attention<64>(*attention, stream);
  return launch_attention<128>(*attention, stream);
}
