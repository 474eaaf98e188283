// A Hugging Face model directory, read and checked: what to compute, and the numbers to compute it
// with. Everything in such a directory is untrusted input. A file that is missing, cut, hostile or
// of a kind hilo does not know gives one sentence that names the file, what is wrong and what to
// do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace hilo {

enum class Pooling { cls, mean };
enum class Activation { gelu };  // exact, by erf

// The shape of a BERT-like encoder.
struct EncoderConfig {
  uint32_t layers = 0;
  uint32_t hidden = 0;
  uint32_t heads = 0;
  uint32_t intermediate = 0;
  uint32_t vocabulary = 0;
  uint32_t positions_max = 0;
  uint32_t token_types = 0;
  float layer_norm_epsilon = 1e-12F;
  Activation activation = Activation::gelu;
};

// A row-major matrix [rows, columns] or a vector (rows = 1), borrowed from Model::storage.
struct Tensor {
  const float* data = nullptr;
  uint32_t rows = 0;
  uint32_t columns = 0;
};

struct LayerNormWeights {
  Tensor gamma, beta;  // [hidden]
};

// Linear maps as PyTorch keeps them: y = x * weight^T + bias, weight [out, in].
struct LinearWeights {
  Tensor weight, bias;
};

struct LayerWeights {
  LinearWeights query, key, value, attention_output;
  LayerNormWeights attention_norm;
  LinearWeights intermediate, output;
  LayerNormWeights output_norm;
};

struct EncoderWeights {
  Tensor word_embeddings, position_embeddings, token_type_embeddings;
  LayerNormWeights embedding_norm;
  std::vector<LayerWeights> layers;
};

struct Prompt {
  std::string name, text;
};

// Everything but the weights: read in a millisecond, before any child program starts.
struct ModelHeader {
  std::string name;  // the directory's name, for people
  // Where config.json, the weights and the tokenizer are: the given directory, or the one below it
  // that modules.json names.
  std::filesystem::path directory;
  EncoderConfig encoder;
  Pooling pooling = Pooling::mean;
  bool normalize = true;
  uint32_t tokens_max = 0;  // special tokens included; at most encoder.positions_max
  std::vector<Prompt> prompts;
  std::string default_prompt_name;  // one of `prompts`, or empty: none
  uint32_t dims() const { return encoder.hidden; }
};

// Without modules.json, the rules are those of sentence-transformers: mean pooling, no
// normalisation.
Result<ModelHeader> read_model_header(const std::filesystem::path& directory);

// Weights in fp32: tensors that are F32 in the file point into its read-only mapping, F16 and BF16
// ones into widened copies; `storage` keeps both alive. Whoever cuts a file while it is mapped
// makes reads of it fault. So a Model is for packing the weights right after load_model(), which
// has checked that the files are still what they were, and is dropped as soon as that is done.
struct Model {
  ModelHeader header;
  EncoderWeights weights;
  std::shared_ptr<const void> storage;
};

Result<Model> load_model(const ModelHeader& header);

}  // namespace hilo
