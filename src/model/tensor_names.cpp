#include "model/tensor_names.h"

#include "base/ensure.h"

namespace hilo {
namespace {

constexpr TensorNames bert{.prefix = "bert.",
                           .layer = "encoder.layer.",
                           .query = "attention.self.query",
                           .key = "attention.self.key",
                           .value = "attention.self.value",
                           .attention_output = "attention.output.dense",
                           .attention_norm = "attention.output.LayerNorm",
                           .intermediate = "intermediate.dense",
                           .output = "output.dense",
                           .output_norm = "output.LayerNorm",
                           .head_dense = "bert.pooler.dense",
                           .head_output = "classifier"};

constexpr TensorNames roberta = [] {
  TensorNames names = bert;
  names.prefix = "roberta.";
  names.head_dense = "classifier.dense";
  names.head_output = "classifier.out_proj";
  return names;
}();

constexpr TensorNames mpnet = [] {
  TensorNames names = roberta;
  names.prefix = "mpnet.";
  names.query = "attention.attn.q";
  names.key = "attention.attn.k";
  names.value = "attention.attn.v";
  names.attention_output = "attention.attn.o";
  names.attention_norm = "attention.LayerNorm";
  return names;
}();

constexpr TensorNames distilbert{.prefix = "distilbert.",
                                 .layer = "transformer.layer.",
                                 .query = "attention.q_lin",
                                 .key = "attention.k_lin",
                                 .value = "attention.v_lin",
                                 .attention_output = "attention.out_lin",
                                 .attention_norm = "sa_layer_norm",
                                 .intermediate = "ffn.lin1",
                                 .output = "ffn.lin2",
                                 .output_norm = "output_layer_norm",
                                 .head_dense = {},
                                 .head_output = {}};

}  // namespace

const TensorNames& tensor_names(EncoderFamily family) {
  switch (family) {
    case EncoderFamily::bert:
      return bert;
    case EncoderFamily::distilbert:
      return distilbert;
    case EncoderFamily::roberta:
      return roberta;
    case EncoderFamily::mpnet:
      return mpnet;
  }
  ENSURE(false);
}

}  // namespace hilo
