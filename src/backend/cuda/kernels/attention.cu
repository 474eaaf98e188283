// Attention over texts of any length, without padding, on tensor cores. A block has one head and a
// tile of up to 64 queries of one text, 16 a warp. It walks over the text's keys in chunks, and
// keeps for each query the largest score so far, so that no row of scores is ever stored:
//
//                 32 keys          largest' = max(largest, scores)
//              +------------+      total'   = total * 2^(largest - largest') + sum of powers
//   16 queries |   scores   |      mixed'   = mixed * 2^(largest - largest') + powers x values
//              +------------+
//
// A lane's part of `scores`, as a product leaves it, is its part of `powers`, as the next product
// takes it. Which columns of queries, keys and values a product calls its first, second ... is
// free, as long as it is the same on both sides. They are numbered so that a lane has eight
// neighbours of a row: units of 16 bytes, which are read from queries and written to the context at
// once.
//
// A query's sums run over its own text's keys in their order: what else is in the batch, and which
// queries share the tile, changes none of its bits.
#include "backend/cuda/kernels/mma.h"

namespace hilo::simt {
namespace {

constexpr uint32_t attention_warps = cuda_tile_queries / mma_rows;
constexpr uint32_t attention_threads = attention_warps * warp_threads;
constexpr uint32_t unit_words = cuda_width_unit / 2;
constexpr uint32_t slice_columns = members * cuda_width_unit;  // a unit for each lane of a row
constexpr uint32_t slice_tiles = slice_columns / mma_columns;

// By the width of a head. Reads are slow and registers few, so many blocks at once are worth more
// than many keys.
template <uint32_t Head>
struct Sizes {
  static constexpr uint32_t units = Head / cuda_width_unit;
  static constexpr uint32_t slices = Head / slice_columns;
  static constexpr uint32_t keys = 32;
  static constexpr uint32_t blocks = Head == 32 ? 4 : Head == 64 ? 3 : 2;
  static constexpr uint32_t score_tiles = keys / mma_columns;
  // Of each thread, in a chunk.
  static constexpr uint32_t key_units = keys * units / attention_threads;
  static_assert(key_units * attention_threads == keys * units);
};

// Of values, two rows are woven into one of pairs, since a product adds over keys. Strides put what
// lanes read together into different banks.
template <uint32_t Head>
struct Shared {
  static constexpr uint32_t key_stride = Head == 32 ? Head / 2 : Head / 2 + 16;  // words
  static constexpr uint32_t pair_stride = Head + 8;

  alignas(16) uint32_t keys[Sizes<Head>::keys * key_stride];
  alignas(16) uint32_t value_pairs[Sizes<Head>::keys / 2 * pair_stride];
};

// What a block works on.
struct Place {
  CudaTile tile;
  uint32_t first_column;  // of the head, within queries, keys or values
  uint32_t row_columns;   // queries, keys and values of one token
  uint32_t width;         // of queries alone
};

// Neighbours of one row of the block's head, from `part`: queries, keys or values. What the
// template's head has more than the model's is zero, as are rows behind the text.
template <class Words>
SIMT_DEVICE Words read_words(const CudaAttention& attention, const Place& place, uint32_t row,
                             uint32_t part, uint32_t column) {
  if (column >= attention.head || row >= place.tile.text_end) return {};
  return load_words<Words>(attention.qkv + static_cast<uint64_t>(row) * place.row_columns +
                           part * place.width + place.first_column + column);
}

// A thread's part of a chunk on its way from the batch to shared memory: units of keys, and halves
// of units of two values behind each other.
template <uint32_t Head>
struct Fetched {
  Unit keys[Sizes<Head>::key_units];
  HalfUnit values[Sizes<Head>::key_units][2];
};

template <uint32_t Head>
SIMT_DEVICE void fetch(const CudaAttention& attention, const Place& place, uint32_t first_key,
                       Fetched<Head>& fetched) {
  constexpr uint32_t units = Sizes<Head>::units;
  constexpr uint32_t halves = 2 * units;
  SIMT_UNROLL
  for (uint32_t i = 0; i < Sizes<Head>::key_units; ++i) {
    const uint32_t number = thread() + i * attention_threads;
    fetched.keys[i] = read_words<Unit>(attention, place, first_key + number / units, 1,
                                       number % units * cuda_width_unit);
    for (uint32_t k = 0; k < 2; ++k)
      fetched.values[i][k] =
          read_words<HalfUnit>(attention, place, first_key + number / halves * 2 + k, 2,
                               number % halves * cuda_width_unit / 2);
  }
}

template <uint32_t Head>
SIMT_DEVICE void put(const Fetched<Head>& fetched, Shared<Head>& shared) {
  constexpr uint32_t units = Sizes<Head>::units;
  constexpr uint32_t halves = 2 * units;
  SIMT_UNROLL
  for (uint32_t i = 0; i < Sizes<Head>::key_units; ++i) {
    const uint32_t number = thread() + i * attention_threads;
    store_words(
        shared.keys + number / units * Shared<Head>::key_stride + number % units * unit_words,
        fetched.keys[i]);
    Unit woven;
    for (uint32_t k = 0; k < 2; ++k) {
      const uint32_t low = fetched.values[i][0].word[k];
      const uint32_t high = fetched.values[i][1].word[k];
      woven.word[2 * k] = (low & 0xffffU) | high << 16;
      woven.word[2 * k + 1] = low >> 16 | (high & 0xffff0000U);
    }
    store_words(shared.value_pairs + number / halves * Shared<Head>::pair_stride +
                    number % halves * unit_words,
                woven);
  }
}

// A lane's part of its warp's queries, in two rows: group() and eight further.
template <uint32_t Head>
struct Queries {
  uint32_t first;  // of the warp
  Unit units[Sizes<Head>::slices][2];

  SIMT_DEVICE uint32_t row(uint32_t i) const { return first + group() + 8 * i; }
};

template <uint32_t Head>
SIMT_DEVICE Queries<Head> read_queries(const CudaAttention& attention, const Place& place) {
  Queries<Head> queries;
  queries.first = place.tile.first_query + warp() * mma_rows;
  SIMT_UNROLL
  for (uint32_t i = 0; i < Sizes<Head>::slices; ++i)
    for (uint32_t row = 0; row < 2; ++row)
      queries.units[i][row] = read_words<Unit>(attention, place, queries.row(row), 0,
                                               i * slice_columns + member() * cuda_width_unit);
  return queries;
}

template <uint32_t Head>
using Scores = float[Sizes<Head>::score_tiles][4];

template <class Format, uint32_t Head>
SIMT_DEVICE void score(const Queries<Head>& queries, const Shared<Head>& shared,
                       Scores<Head>& scores) {
  SIMT_UNROLL
  for (uint32_t tile = 0; tile < Sizes<Head>::score_tiles; ++tile) {
    for (float& sum : scores[tile]) sum = 0.0F;
    const uint32_t* const key =
        shared.keys + (tile * mma_columns + group()) * Shared<Head>::key_stride;
    SIMT_UNROLL
    for (uint32_t i = 0; i < Sizes<Head>::slices; ++i) {
      const Unit right = load_words<Unit>(key + i * slice_columns / 2 + member() * unit_words);
      const Unit(&left)[2] = queries.units[i];
      SIMT_UNROLL
      for (uint32_t k = 0; k < 4; k += 2)
        multiply_add<Format>(
            scores[tile],
            {left[0].word[k], left[1].word[k], left[0].word[k + 1], left[1].word[k + 1]},
            {right.word[k], right.word[k + 1]});
    }
  }
}

constexpr float log2_e = 1.44269504088896340736F;

// Calls function(query, key, score) for each score that this lane has.
template <uint32_t Head, class Function>
SIMT_DEVICE void for_each_score(const Queries<Head>& queries, uint32_t first_key,
                                Scores<Head>& scores, Function function) {
  SIMT_UNROLL
  for (uint32_t tile = 0; tile < Sizes<Head>::score_tiles; ++tile) {
    SIMT_UNROLL
    for (uint32_t i = 0; i < 4; ++i)
      function(queries.row(i / 2), first_key + tile * mma_columns + 2 * member() + i % 2,
               scores[tile][i]);
  }
}

// Scores to logarithms by 2 of the powers, with the bias of distances; keys behind the text have no
// power.
template <uint32_t Head>
SIMT_DEVICE void scale_scores(const CudaAttention& attention, const Place& place,
                              const Queries<Head>& queries, uint32_t first_key,
                              Scores<Head>& scores) {
  const float scale = attention.scale * log2_e;
  const uint32_t end = place.tile.text_end;
  for_each_score(queries, first_key, scores,
                 [&](uint32_t, uint32_t, float& score) { score *= scale; });
  if (attention.distance_bias != nullptr) {
    const uint64_t row = static_cast<uint64_t>(block_x()) * (2 * attention.distances - 1);
    const float* const nearest = attention.distance_bias + row + attention.distances - 1;
    for_each_score(queries, first_key, scores, [&](uint32_t query, uint32_t key, float& score) {
      if (key < end && query < end)
        score += nearest[static_cast<int32_t>(key) - static_cast<int32_t>(query)] * log2_e;
    });
  }
  if (first_key + Sizes<Head>::keys > end)
    for_each_score(queries, first_key, scores, [&](uint32_t, uint32_t key, float& score) {
      if (key >= end) score = -INFINITY;
    });
}

// The state of a lane's two queries.
template <uint32_t Head>
struct Softmax {
  float largest[2] = {-INFINITY, -INFINITY};
  float total[2] = {};  // of this lane's keys
  float mixed[Sizes<Head>::slices][slice_tiles][4] = {};
};

// Scores to powers, and what was mixed so far to the new scale.
template <uint32_t Head>
SIMT_DEVICE void raise(Scores<Head>& scores, Softmax<Head>& softmax) {
  SIMT_UNROLL
  for (uint32_t row = 0; row < 2; ++row) {
    float largest = softmax.largest[row];
    SIMT_UNROLL
    for (const auto& tile : scores)
      largest = fmaxf(largest, fmaxf(tile[2 * row], tile[2 * row + 1]));
    largest = max_of_lanes<members>(largest);
    const float shrink = exp2_fast(softmax.largest[row] - largest);
    softmax.largest[row] = largest;
    float total = 0.0F;
    SIMT_UNROLL
    for (auto& tile : scores) {
      for (uint32_t i = 2 * row; i < 2 * row + 2; ++i) {
        tile[i] = exp2_fast(tile[i] - largest);
        total += tile[i];
      }
    }
    softmax.total[row] = softmax.total[row] * shrink + total;
    SIMT_UNROLL
    for (auto& columns : softmax.mixed)
      for (auto& sums : columns)
        for (uint32_t i = 2 * row; i < 2 * row + 2; ++i) sums[i] *= shrink;
  }
}

template <class Format, uint32_t Head>
SIMT_DEVICE void mix(const Scores<Head>& powers, const Shared<Head>& shared,
                     Softmax<Head>& softmax) {
  SIMT_UNROLL
  for (uint32_t tile = 0; tile < Sizes<Head>::score_tiles; tile += 2) {
    const float(&near)[4] = powers[tile];
    const float(&far)[4] = powers[tile + 1];
    const MmaLeft left{{Format::narrow_pair(near[0], near[1]),
                        Format::narrow_pair(near[2], near[3]), Format::narrow_pair(far[0], far[1]),
                        Format::narrow_pair(far[2], far[3])}};
    constexpr uint32_t stride = Shared<Head>::pair_stride;
    const uint32_t* const pair =
        shared.value_pairs + (tile * members + member()) * stride + group() * unit_words;
    SIMT_UNROLL
    for (uint32_t i = 0; i < Sizes<Head>::slices; ++i) {
      const Unit first = load_words<Unit>(pair + i * slice_columns);
      const Unit second = load_words<Unit>(pair + members * stride + i * slice_columns);
      SIMT_UNROLL
      for (uint32_t k = 0; k < slice_tiles; ++k)
        multiply_add<Format>(softmax.mixed[i][k], left, {first.word[k], second.word[k]});
    }
  }
}

template <class Format, uint32_t Head>
SIMT_DEVICE void write_context(const CudaAttention& attention, const Place& place,
                               const Queries<Head>& queries, const Softmax<Head>& softmax) {
  SIMT_UNROLL
  for (uint32_t row = 0; row < 2; ++row) {
    const float scale = 1.0F / sum_of_lanes<members>(softmax.total[row]);
    const uint32_t query = queries.row(row);
    SIMT_UNROLL
    for (uint32_t i = 0; i < Sizes<Head>::slices; ++i) {
      const uint32_t column = i * slice_columns + member() * cuda_width_unit;
      if (query >= place.tile.text_end || column >= attention.head) continue;
      Unit unit;
      SIMT_UNROLL
      for (uint32_t k = 0; k < unit_words; ++k) {
        // The first four columns of the unit, then the other four.
        const float(&low)[4] = softmax.mixed[i][2 * k % slice_tiles];
        const float(&high)[4] = softmax.mixed[i][(2 * k + 1) % slice_tiles];
        const uint32_t half = 2 * row + 2 * k / slice_tiles;
        unit.word[k] = Format::narrow_pair(low[half] * scale, high[half] * scale);
      }
      store_words(attention.context + static_cast<uint64_t>(query) * place.width +
                      place.first_column + column,
                  unit);
    }
  }
}

template <class Format, uint32_t Head>
SIMT_KERNEL_OF_BLOCKS(attention_threads, Sizes<Head>::blocks)
attention_kernel(CudaAttention attention) {
  SIMT_SHARED(Shared<Head>, shared);
  const Place place{.tile = attention.tiles[block_y()],
                    .first_column = block_x() * attention.head,
                    .row_columns = 3 * attention.heads * attention.head,
                    .width = attention.heads * attention.head};
  if (block_y() >= attention.counts->tiles) return;
  const auto queries = read_queries<Head>(attention, place);
  Fetched<Head> fetched;
  fetch(attention, place, place.tile.text_begin, fetched);
  Softmax<Head> softmax;
  for (uint32_t key = place.tile.text_begin; key < place.tile.text_end; key += Sizes<Head>::keys) {
    sync_block();  // All warps are done with the chunk before.
    put(fetched, shared);
    sync_block();
    fetch(attention, place, key + Sizes<Head>::keys, fetched);
    if (queries.first >= place.tile.text_end) continue;  // All lanes of a warp alike.
    Scores<Head> scores;
    score<Format>(queries, shared, scores);
    scale_scores(attention, place, queries, key, scores);
    raise(scores, softmax);
    mix<Format>(scores, shared, softmax);
  }
  write_context<Format>(attention, place, queries, softmax);
}

template <uint32_t Head>
int launch_attention(const CudaAttention& attention, CudaStream* stream) {
  const auto kernel = attention.format == cuda_bf16 ? attention_kernel<Bf16Format, Head>
                                                    : attention_kernel<Fp16Format, Head>;
  return launch(kernel, {attention.heads, attention.tiles_max}, attention_threads, attention,
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
