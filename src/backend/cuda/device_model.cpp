#include "backend/cuda/device_model.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

#include "backend/cpu/bf16.h"
#include "backend/cuda/fp16.h"
#include "backend/cuda/tensor_plan.h"
#include "base/ensure.h"
#include "model/relative_bucket.h"

namespace hilo {
namespace {

// What is copied at a time, through pinned memory.
constexpr size_t chunk_bytes = size_t{4} << 20;

size_t count_of(const Tensor& tensor) { return size_t{tensor.rows} * tensor.columns; }

// Tensors that become one piece of device memory, behind each other.
struct Piece {
  std::vector<Tensor> parts;
  bool is_narrow;
  const void** place;  // where its address goes

  uint64_t bytes() const {
    size_t count = 0;
    for (const Tensor& part : parts) count += count_of(part);
    return count * (is_narrow ? sizeof(uint16_t) : sizeof(float));
  }
};

// All pieces of a model. Lives as long as what it has computed for them.
class Pieces {
 public:
  Pieces(const Model& model, DeviceModel& to) {
    const EncoderWeights& weights = model.weights;
    narrow({weights.word_embeddings}, to.word_embeddings);
    narrow({weights.position_embeddings}, to.position_embeddings);
    if (model.header.encoder.token_types > 0)
      narrow({weights.token_type_embeddings}, to.token_type_embeddings);
    norm(weights.embedding_norm, to.embedding_norm);
    if (model.header.encoder.relative_bias) {
      spread_relative_bias(weights.relative_bias, model.header.encoder.text_tokens_max());
      wide({{distance_bias_.data(), 1, static_cast<uint32_t>(distance_bias_.size())}},
           to.distance_bias);
    }
    to.layers.resize(weights.layers.size());
    for (size_t i = 0; i < weights.layers.size(); ++i) add_layer(weights.layers[i], to.layers[i]);
    if (!model.score_head) return;
    linear(model.score_head->dense, to.score_head.dense);
    wide({model.score_head->output.weight}, to.score_head.output);
    to.score_head.output_bias = *model.score_head->output.bias.data;
  }

  const std::vector<Piece>& all() const { return pieces_; }
  TensorPlan plan() const {
    std::vector<TensorSpec> specs;
    specs.reserve(pieces_.size());
    for (const Piece& piece : pieces_)
      specs.push_back({.bytes = piece.bytes(), .first_step = 0, .last_step = 0});
    return plan_tensors(specs);
  }

 private:
  void narrow(std::vector<Tensor> parts, const uint16_t*& place) {
    pieces_.push_back({std::move(parts), true, reinterpret_cast<const void**>(&place)});
  }
  void wide(std::vector<Tensor> parts, const float*& place) {
    pieces_.push_back({std::move(parts), false, reinterpret_cast<const void**>(&place)});
  }
  void linear(const LinearWeights& from, DeviceLinear& to) {
    narrow({from.weight}, to.weight);
    wide({from.bias}, to.bias);
  }
  void norm(const LayerNormWeights& from, DeviceNorm& to) {
    wide({from.gamma}, to.gamma);
    wide({from.beta}, to.beta);
  }
  void add_layer(const LayerWeights& from, DeviceLayer& to) {
    narrow({from.query.weight, from.key.weight, from.value.weight}, to.query_key_value.weight);
    narrow({from.query.bias, from.key.bias, from.value.bias}, to.query_key_value.bias);
    linear(from.attention_output, to.attention_output);
    norm(from.attention_norm, to.attention_norm);
    linear(from.intermediate, to.intermediate);
    linear(from.output, to.output);
    norm(from.output_norm, to.output_norm);
  }
  // From buckets to every distance between key and query, so that the kernel only looks it up.
  void spread_relative_bias(const Tensor& table, uint32_t tokens_max) {
    const auto farthest = static_cast<int32_t>(tokens_max) - 1;
    for (uint32_t head = 0; head < table.columns; ++head)
      for (int32_t distance = -farthest; distance <= farthest; ++distance)
        distance_bias_.push_back(
            table.data[size_t{relative_bucket(distance)} * table.columns + head]);
  }

  std::vector<Piece> pieces_;
  std::vector<float> distance_bias_;
};

// Copies pieces through one pinned buffer.
class Uploader {
 public:
  static Result<Uploader> make(const CudaDriver& driver, CudaFormat format) {
    auto stream = make_handle<StreamHandle>(
        driver, "make a stream", [&](CudaStream** made) { return driver.make_stream(0, made); });
    if (!stream) return stream.error();
    auto chunk = make_handle<PinnedMemory>(driver, "pin memory of the host", [&](void** made) {
      return driver.allocate_pinned(chunk_bytes, made);
    });
    if (!chunk) return chunk.error();
    return Uploader{driver, format, *std::move(stream), *std::move(chunk)};
  }

  Status upload(const Piece& piece, std::byte* to) {
    for (const Tensor& part : piece.parts) {
      const size_t count = count_of(part);
      const size_t size = piece.is_narrow ? sizeof(uint16_t) : sizeof(float);
      for (size_t first = 0; first < count; first += chunk_bytes / sizeof(float)) {
        const size_t numbers = std::min(count - first, chunk_bytes / sizeof(float));
        if (Status status = convert({part.data + first, numbers}, piece.is_narrow); !status)
          return status;
        if (Status status = copy(to + first * size, numbers * size); !status) return status;
      }
      to += count * size;
    }
    return {};
  }

 private:
  Uploader(const CudaDriver& driver, CudaFormat format, StreamHandle stream, PinnedMemory chunk)
      : driver_(&driver), format_(format), stream_(std::move(stream)), chunk_(std::move(chunk)) {}

  Status convert(std::span<const float> numbers, bool is_narrow) {
    if (!is_narrow) {
      std::ranges::copy(numbers, static_cast<float*>(chunk_.get()));
      return {};
    }
    auto* const out = static_cast<uint16_t*>(chunk_.get());
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (format_ == cuda_fp16 && std::abs(numbers[i]) > fp16_max)
        return Error{
            fmt::format("the model's weight {} is too large for fp16: use bf16", numbers[i])};
      out[i] = format_ == cuda_bf16 ? bf16_of(numbers[i]) : fp16_of(numbers[i]);
    }
    return {};
  }

  // The buffer is free again when it returns.
  Status copy(std::byte* to, size_t bytes) {
    int error = driver_->copy_in(to, chunk_.get(), bytes, stream_.get());
    const int ended = driver_->synchronize(stream_.get());
    if (error == 0) error = ended;
    if (error != 0) return cuda_error(*driver_, "copy the model's weights", error);
    return {};
  }

  static constexpr float fp16_max = 65504.0F;

  const CudaDriver* driver_;
  CudaFormat format_;
  StreamHandle stream_;
  PinnedMemory chunk_;
};

}  // namespace

Status check_shape(const EncoderConfig& config) {
  const auto wrong = [](uint32_t size, uint32_t max) {
    return size == 0 || size > max || size % cuda_width_unit != 0;
  };
  const auto refuse = [](const char* what, uint32_t is, uint32_t max) {
    return Error{
        fmt::format("the GPU's kernels take a {} that is a multiple of {} up to {}, and "
                    "this model's is {}: use --backend cpu",
                    what, +cuda_width_unit, max, is)};
  };
  constexpr uint32_t intermediate_max = 1U << 20;
  if (wrong(config.hidden, cuda_hidden_max))
    return refuse("hidden size", config.hidden, cuda_hidden_max);
  if (const uint32_t head = config.hidden / config.heads; wrong(head, cuda_head_max))
    return refuse("head size", head, cuda_head_max);
  if (wrong(config.intermediate, intermediate_max))
    return refuse("intermediate size", config.intermediate, intermediate_max);
  return {};
}

uint64_t device_model_bytes(const Model& model) {
  DeviceModel nowhere;
  return Pieces(model, nowhere).plan().bytes;
}

Result<DeviceModel> upload_model(const CudaDriver& driver, const Model& model, CudaFormat format) {
  DeviceModel uploaded;
  uploaded.format = format;
  const Pieces pieces(model, uploaded);
  const TensorPlan plan = pieces.plan();
  uploaded.bytes = plan.bytes;
  auto memory =
      make_handle<DeviceMemory>(driver, "allocate memory for the model",
                                [&](void** made) { return driver.allocate(plan.bytes, made); });
  if (!memory) return memory.error();
  uploaded.memory = *std::move(memory);
  auto uploader = Uploader::make(driver, format);
  if (!uploader) return uploader.error();
  auto* const base = static_cast<std::byte*>(uploaded.memory.get());
  for (size_t i = 0; i < pieces.all().size(); ++i) {
    std::byte* const place = base + plan.offsets[i];
    *pieces.all()[i].place = place;
    if (Status status = uploader->upload(pieces.all()[i], place); !status) return status.error();
  }
  return uploaded;
}

}  // namespace hilo
