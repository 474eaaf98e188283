// A Hugging Face model directory, read and checked: what to compute, and the numbers to compute it
// with. Everything in such a directory is untrusted input. A file that is missing, cut, hostile or
// of a kind hilo does not know gives one sentence that names the file, what is wrong and what to
// do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace hilo {

// Encoders that compute alike and differ in what the fields of EncoderConfig tell. XLM-R is RoBERTa
// with another vocabulary.
enum class EncoderFamily { bert, distilbert, roberta, mpnet };
enum class Pooling { cls, mean, last };
const char* pooling_name(Pooling pooling);  // as sentence-transformers call it
enum class Activation { gelu };             // exact, by erf
// What becomes of a cross-encoder's single output.
enum class ScoreFunction { identity, sigmoid };

// The shape of a BERT-like encoder.
struct EncoderConfig {
  EncoderFamily family = EncoderFamily::bert;  // decides the names of the tensors, nothing else
  uint32_t layers = 0;
  uint32_t hidden = 0;
  uint32_t heads = 0;
  uint32_t intermediate = 0;
  uint32_t vocabulary = 0;
  uint32_t positions_max = 0;  // rows of the table of positions
  uint32_t token_types = 0;    // 0: the family has none
  // RoBERTa and MPNet count positions from the one behind their padding token's id, and a padding
  // token that is written in a text has that id as its position and is not counted.
  std::optional<uint32_t> padding_id = std::nullopt;
  // MPNet adds to each score what its head has learned about how far key and query are apart.
  bool relative_bias = false;
  float layer_norm_epsilon = 1e-12F;
  Activation activation = Activation::gelu;

  uint32_t first_position() const { return padding_id ? *padding_id + 1 : 0; }
  // The longest text that the positions allow.
  uint32_t text_tokens_max() const { return positions_max - first_position(); }
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
  Tensor word_embeddings, position_embeddings;
  Tensor token_type_embeddings;  // empty where the family has none
  Tensor relative_bias;          // [relative_buckets, heads], of all layers; or empty
  LayerNormWeights embedding_norm;
  std::vector<LayerWeights> layers;
};

// A cross-encoder's score: output(tanh(dense(first row))).
struct ScoreHeadWeights {
  LinearWeights dense;   // [hidden, hidden]
  LinearWeights output;  // [1, hidden]
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
  // With one, this is a cross-encoder: the vector is a single number, the score of two texts that
  // were put in as one sequence. It is made of the first row; pooling is cls, and nothing is
  // normalised.
  std::optional<ScoreFunction> score;
  std::string score_label;  // what config.json calls it; empty without a score
  uint32_t tokens_max = 0;  // special tokens included; at most encoder.text_tokens_max()
  std::vector<Prompt> prompts;
  std::string default_prompt_name;  // one of `prompts`, or empty: none
  uint32_t dims() const { return score ? 1 : encoder.hidden; }
};

// Without modules.json, the rules are those of sentence-transformers: a classifier of one label is
// a cross-encoder, and everything else has mean pooling and no normalisation.
Result<ModelHeader> read_model_header(const std::filesystem::path& directory);

// Weights in fp32: tensors that are F32 in the file point into its read-only mapping, F16 and BF16
// ones into widened copies; `storage` keeps both alive. Whoever cuts a file while it is mapped
// makes reads of it fault. So a Model is for packing the weights right after load_model(), which
// has checked that the files are still what they were, and is dropped as soon as that is done.
struct Model {
  ModelHeader header;
  EncoderWeights weights;
  std::optional<ScoreHeadWeights> score_head;  // of a cross-encoder
  std::shared_ptr<const void> storage;
};

Result<Model> load_model(const ModelHeader& header);

}  // namespace hilo
