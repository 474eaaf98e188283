// What runs on the GPU beside matrix products: plain structs and functions with C linkage, the only
// header that both nvcc and the host's compiler read. Each function queues work on a stream and
// returns at once: 0, or an error of the CUDA runtime.
//
// The same sources are compiled by nvcc for the plug-in and by the host's compiler for tests, where
// a GPU is played in software (host/simt_shim.h).
//
// Texts lie packed, row after row, without padding. Only the first `tokens` rows that the batch
// counts are computed; a launch is sized for the bucket, so that one recorded graph serves every
// batch that fits it. Numbers of 16 bits are bf16 or fp16; sums are fp32.
#pragma once

#include <cstdint>

extern "C" {

struct CudaStream;

enum CudaFormat : uint32_t { cuda_bf16 = 0, cuda_fp16 = 1 };
enum CudaPooling : uint32_t { cuda_pool_mean = 0, cuda_pool_cls = 1, cuda_pool_last = 2 };
enum CudaScoreFunction : uint32_t { cuda_score_identity = 0, cuda_score_sigmoid = 1 };

// The limits of the kernels. Widths are multiples of cuda_width_unit, so that rows of 16-bit
// numbers can be read 16 bytes at a time.
enum CudaLimits : uint32_t {
  cuda_width_unit = 8,
  cuda_hidden_max = 1024,
  cuda_head_max = 128,
  cuda_tile_queries = 64,
};

// What a batch is, in device memory; copied there before each run.
struct CudaBatchCounts {
  uint32_t tokens;
  uint32_t texts;
  uint32_t tiles;
};
// Up to cuda_tile_queries tokens of one text, which attention takes together: rows from
// `first_query` on, of the text in the rows from `text_begin` up to `text_end`.
struct CudaTile {
  uint32_t first_query;
  uint32_t text_begin;
  uint32_t text_end;
};

// Narrow ids, as channels carry them, in the width that an engine of TensorRT asks for. Ids that
// the vocabulary lacks become its last.
struct CudaUpcast {
  const uint16_t* ids;
  void* wide;
  uint32_t count;
  uint32_t vocabulary;
};

// out = LayerNorm(word + position + type)
struct CudaEmbed {
  const struct CudaBatchCounts* counts;
  const uint32_t* ids;
  const uint32_t* positions;
  const uint8_t* types;
  const uint16_t* word_table;      // [vocabulary, hidden]
  const uint16_t* position_table;  // [positions_max, hidden]
  const uint16_t* type_table;      // [token_types, hidden]; null where token_types is 0
  const float* gamma;
  const float* beta;
  uint16_t* out;  // [rows, hidden]
  uint32_t rows;  // of the bucket
  uint32_t hidden;
  uint32_t vocabulary;
  uint32_t positions_max;
  uint32_t token_types;
  float epsilon;
  enum CudaFormat format;
};

// rows = LayerNorm(product + bias + rows)
struct CudaAddNorm {
  const struct CudaBatchCounts* counts;
  const float* product;  // [rows, hidden]
  const float* bias;
  const float* gamma;
  const float* beta;
  uint16_t* inout;  // [rows, hidden]
  uint32_t rows;
  uint32_t hidden;
  float epsilon;
  enum CudaFormat format;
};

// inout = GELU(inout + bias), that of erf, to 2e-7
struct CudaGelu {
  const struct CudaBatchCounts* counts;
  const float* bias;
  uint16_t* inout;  // [rows, columns]
  uint32_t rows;
  uint32_t columns;
  enum CudaFormat format;
};

// context = softmax(scale * queries x keys [+ relative bias]) x values
struct CudaAttention {
  const struct CudaBatchCounts* counts;
  const struct CudaTile* tiles;  // [tiles_max], of which counts->tiles are written
  const uint16_t* qkv;           // [rows, 3 * heads * head]: queries, keys and values of all heads
  const float* distance_bias;    // [heads, 2 * distances - 1], by key - query; null: none
  uint16_t* context;             // [rows, heads * head]
  uint32_t rows;
  uint32_t tiles_max;  // of the bucket
  uint32_t heads;
  uint32_t head;
  uint32_t distances;
  float scale;
  enum CudaFormat format;
};

// One vector for each text, of length 1 if `normalize` says so and the text is not raw.
struct CudaPool {
  const struct CudaBatchCounts* counts;
  const uint32_t* sequence_start;  // one more than there are texts
  const uint8_t* raw;              // [texts]
  const uint16_t* rows_of_texts;   // [rows, hidden]
  float* vectors;                  // [texts_max, hidden]
  uint32_t rows;
  uint32_t texts_max;  // of the bucket
  uint32_t hidden;
  enum CudaPooling pooling;
  uint32_t normalize;
  enum CudaFormat format;
};

// The score of a cross-encoder, from each text's first row: function(output(tanh(dense(row)))).
// That of a raw text is without the function.
struct CudaScore {
  const struct CudaBatchCounts* counts;
  const uint32_t* sequence_start;
  const uint8_t* raw;  // [texts]
  const uint16_t* rows_of_texts;
  const uint16_t* dense;  // [hidden, hidden]
  const float* dense_bias;
  const float* output;  // [hidden]
  float* scores;        // [texts_max]
  uint32_t rows;
  uint32_t texts_max;
  uint32_t hidden;
  float output_bias;
  enum CudaScoreFunction function;
  enum CudaFormat format;
};

int cuda_upcast_int64(const struct CudaUpcast* upcast, struct CudaStream* stream);
int cuda_upcast_int32(const struct CudaUpcast* upcast, struct CudaStream* stream);
int cuda_embed(const struct CudaEmbed* embed, struct CudaStream* stream);
int cuda_add_norm(const struct CudaAddNorm* add_norm, struct CudaStream* stream);
int cuda_gelu(const struct CudaGelu* gelu, struct CudaStream* stream);
int cuda_attend(const struct CudaAttention* attention, struct CudaStream* stream);
int cuda_pool(const struct CudaPool* pool, struct CudaStream* stream);
int cuda_score(const struct CudaScore* score, struct CudaStream* stream);

}  // extern "C"
