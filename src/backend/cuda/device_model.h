// A model's weights on the device: matrices in 16 bits, and the bias of queries, keys and values,
// which their product adds; everything else that is added or multiplied element by element in fp32.
// All lanes share them.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cuda/driver.h"
#include "backend/cuda/handles.h"
#include "base/result.h"
#include "model/model.h"

namespace hilo {

struct DeviceLinear {
  const uint16_t* weight = nullptr;
  const float* bias = nullptr;
};
struct DeviceProjection {
  const uint16_t* weight = nullptr;
  const uint16_t* bias = nullptr;
};
struct DeviceNorm {
  const float* gamma = nullptr;
  const float* beta = nullptr;
};
struct DeviceLayer {
  DeviceProjection query_key_value;  // one below the other
  DeviceLinear attention_output, intermediate, output;
  DeviceNorm attention_norm, output_norm;
};
struct DeviceScoreHead {
  DeviceLinear dense;
  const float* output = nullptr;
  float output_bias = 0.0F;
};

struct DeviceModel {
  CudaFormat format = cuda_bf16;
  uint64_t bytes = 0;
  DeviceMemory memory;
  const uint16_t* word_embeddings = nullptr;
  const uint16_t* position_embeddings = nullptr;
  const uint16_t* token_type_embeddings = nullptr;
  DeviceNorm embedding_norm;
  const float* distance_bias = nullptr;  // [heads, 2 * text_tokens_max - 1]; null: none
  std::vector<DeviceLayer> layers;
  DeviceScoreHead score_head;
};

// What the kernels cannot compute, in one sentence.
Status check_shape(const EncoderConfig& config);
uint64_t device_model_bytes(const Model& model);
// The model's files are not needed afterwards.
Result<DeviceModel> upload_model(const CudaDriver& driver, const Model& model, CudaFormat format);

}  // namespace hilo
