#include "backend/cuda/encoder_work.h"

#include <cmath>

namespace hilo {
namespace {

CudaPooling cuda_pooling(Pooling pooling) {
  if (pooling == Pooling::mean) return cuda_pool_mean;
  return pooling == Pooling::cls ? cuda_pool_cls : cuda_pool_last;
}

// Calls one function of the table after another until one fails.
class EncoderQueue {
 public:
  EncoderQueue(const EncoderOnDevice& encoder, const LaneTensors& tensors, const CudaBucket& bucket,
               std::byte* memory, CudaStream* stream)
      : encoder_(encoder),
        config_(encoder.header.encoder),
        format_(encoder.model.format),
        tensors_(tensors),
        layout_(bucket),
        bucket_(bucket),
        memory_(memory),
        stream_(stream) {}

  int queue() {
    embed();
    for (const DeviceLayer& layer : encoder_.model.layers) {
      attend(layer);
      feed_forward(layer);
    }
    if (encoder_.header.score)
      score();
    else
      pool();
    return error_;
  }

 private:
  template <class Number>
  Number* tensor(uint64_t offset) const {
    return reinterpret_cast<Number*>(memory_ + offset);
  }
  template <class Number>
  const Number* of_batch(size_t offset) const {
    return tensor<Number>(tensors_.batch + offset);
  }
  const CudaBatchCounts* counts() const { return of_batch<CudaBatchCounts>(layout_.counts); }
  uint16_t* hidden() const { return tensor<uint16_t>(tensors_.hidden); }

  template <class Arguments>
  void call(int (*function)(const Arguments*, CudaStream*), const Arguments& arguments) {
    if (error_ == 0) error_ = function(&arguments, stream_);
  }
  void multiply(const GemmHandle& gemm, const uint16_t* rows, const DeviceProjection& by,
                void* out) {
    const CudaProduct product{.rows = rows,
                              .weights = by.weight,
                              .bias = by.bias,
                              .out = out,
                              .workspace = tensor<void>(tensors_.workspace),
                              .row_count = bucket_.tokens};
    if (error_ == 0) error_ = encoder_.driver.multiply(gemm.get(), &product, stream_);
  }

  void embed() {
    const DeviceModel& model = encoder_.model;
    call(encoder_.driver.embed, CudaEmbed{.counts = counts(),
                                          .ids = of_batch<uint32_t>(layout_.ids),
                                          .positions = of_batch<uint32_t>(layout_.positions),
                                          .types = of_batch<uint8_t>(layout_.types),
                                          .word_table = model.word_embeddings,
                                          .position_table = model.position_embeddings,
                                          .type_table = model.token_type_embeddings,
                                          .gamma = model.embedding_norm.gamma,
                                          .beta = model.embedding_norm.beta,
                                          .out = hidden(),
                                          .rows = bucket_.tokens,
                                          .hidden = config_.hidden,
                                          .vocabulary = config_.vocabulary,
                                          .positions_max = config_.positions_max,
                                          .token_types = config_.token_types,
                                          .epsilon = config_.layer_norm_epsilon,
                                          .format = format_});
  }

  void attend(const DeviceLayer& layer) {
    const uint32_t head = config_.hidden / config_.heads;
    auto* const qkv = tensor<uint16_t>(tensors_.qkv);
    auto* const context = tensor<uint16_t>(tensors_.context);
    multiply(encoder_.gemms.query_key_value, hidden(), layer.query_key_value, qkv);
    call(encoder_.driver.attend, CudaAttention{.counts = counts(),
                                               .tiles = of_batch<CudaTile>(layout_.tiles),
                                               .qkv = qkv,
                                               .distance_bias = encoder_.model.distance_bias,
                                               .context = context,
                                               .rows = bucket_.tokens,
                                               .tiles_max = bucket_.tiles(),
                                               .heads = config_.heads,
                                               .head = head,
                                               .distances = config_.text_tokens_max(),
                                               .scale = 1.0F / std::sqrt(static_cast<float>(head)),
                                               .format = format_});
    auto* const product = tensor<float>(tensors_.attention_product);
    multiply(encoder_.gemms.attention_output, context, {layer.attention_output.weight}, product);
    add_norm(product, layer.attention_output, layer.attention_norm);
  }

  void feed_forward(const DeviceLayer& layer) {
    auto* const wide = tensor<uint16_t>(tensors_.wide);
    multiply(encoder_.gemms.intermediate, hidden(), {layer.intermediate.weight}, wide);
    call(encoder_.driver.gelu, CudaGelu{.counts = counts(),
                                        .bias = layer.intermediate.bias,
                                        .inout = wide,
                                        .rows = bucket_.tokens,
                                        .columns = config_.intermediate,
                                        .format = format_});
    auto* const product = tensor<float>(tensors_.output_product);
    multiply(encoder_.gemms.output, wide, {layer.output.weight}, product);
    add_norm(product, layer.output, layer.output_norm);
  }

  void add_norm(const float* product, const DeviceLinear& linear, const DeviceNorm& norm) {
    call(encoder_.driver.add_norm, CudaAddNorm{.counts = counts(),
                                               .product = product,
                                               .bias = linear.bias,
                                               .gamma = norm.gamma,
                                               .beta = norm.beta,
                                               .inout = hidden(),
                                               .rows = bucket_.tokens,
                                               .hidden = config_.hidden,
                                               .epsilon = config_.layer_norm_epsilon,
                                               .format = format_});
  }

  void pool() {
    call(encoder_.driver.pool,
         CudaPool{.counts = counts(),
                  .sequence_start = of_batch<uint32_t>(layout_.sequence_start),
                  .raw = of_batch<uint8_t>(layout_.raw),
                  .rows_of_texts = hidden(),
                  .vectors = tensor<float>(tensors_.vectors),
                  .rows = bucket_.tokens,
                  .texts_max = bucket_.texts,
                  .hidden = config_.hidden,
                  .pooling = cuda_pooling(encoder_.header.pooling),
                  .normalize = encoder_.header.normalize,
                  .format = format_});
  }

  void score() {
    const DeviceScoreHead& head = encoder_.model.score_head;
    const bool sigmoid = *encoder_.header.score == ScoreFunction::sigmoid;
    call(encoder_.driver.score,
         CudaScore{.counts = counts(),
                   .sequence_start = of_batch<uint32_t>(layout_.sequence_start),
                   .raw = of_batch<uint8_t>(layout_.raw),
                   .rows_of_texts = hidden(),
                   .dense = head.dense.weight,
                   .dense_bias = head.dense.bias,
                   .output = head.output,
                   .scores = tensor<float>(tensors_.vectors),
                   .rows = bucket_.tokens,
                   .texts_max = bucket_.texts,
                   .hidden = config_.hidden,
                   .output_bias = head.output_bias,
                   .function = sigmoid ? cuda_score_sigmoid : cuda_score_identity,
                   .format = format_});
  }

  const EncoderOnDevice& encoder_;
  const EncoderConfig& config_;
  const CudaFormat format_;
  const LaneTensors& tensors_;
  const BatchLayout layout_;
  const CudaBucket bucket_;
  std::byte* const memory_;
  CudaStream* const stream_;
  int error_ = 0;
};

}  // namespace

int queue_encoder(const EncoderOnDevice& encoder, const LaneTensors& tensors,
                  const CudaBucket& bucket, std::byte* memory, CudaStream* stream) {
  return EncoderQueue(encoder, tensors, bucket, memory, stream).queue();
}

}  // namespace hilo
