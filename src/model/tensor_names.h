// What each family of encoders calls its tensors. The names are those that PyTorch saves, without
// ".weight" and ".bias".
#pragma once

#include <string_view>

#include "model/model.h"

namespace hilo {

struct TensorNames {
  std::string_view prefix;  // before the encoder's names where it is part of a larger model
  std::string_view layer;   // before the number of a layer
  std::string_view query, key, value, attention_output, attention_norm;  // behind that number
  std::string_view intermediate, output, output_norm;
  std::string_view head_dense, head_output;  // of a cross-encoder, with any prefix they have
};

const TensorNames& tensor_names(EncoderFamily family);

// The same in all families that have them.
inline constexpr std::string_view word_embeddings_name = "embeddings.word_embeddings.weight";
inline constexpr std::string_view position_embeddings_name =
    "embeddings.position_embeddings.weight";
inline constexpr std::string_view token_type_embeddings_name =
    "embeddings.token_type_embeddings.weight";
inline constexpr std::string_view embedding_norm_name = "embeddings.LayerNorm";
inline constexpr std::string_view relative_bias_name = "encoder.relative_attention_bias.weight";

}  // namespace hilo
