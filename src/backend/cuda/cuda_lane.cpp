#include "backend/cuda/cuda_lane.h"

#include <algorithm>

#include "backend/cuda/encoder_work.h"
#include "base/ensure.h"

namespace hilo {

Result<LayerGemms> make_layer_gemms(const CudaDriver& driver, const EncoderConfig& config,
                                    CudaFormat format, uint32_t rows_max) {
  const auto make = [&](uint32_t columns, uint32_t depth, bool out_is_fp32, bool adds_bias) {
    const CudaGemmShape shape{.columns = columns,
                              .depth = depth,
                              .rows_max = rows_max,
                              .out_is_fp32 = out_is_fp32,
                              .adds_bias = adds_bias,
                              .format = format};
    return make_handle<GemmHandle>(driver, "choose how to multiply",
                                   [&](CudaGemm** made) { return driver.make_gemm(&shape, made); });
  };
  auto query_key_value = make(3 * config.hidden, config.hidden, false, true);
  if (!query_key_value) return query_key_value.error();
  // What is added to the residual keeps all its bits until then.
  auto attention_output = make(config.hidden, config.hidden, true, false);
  if (!attention_output) return attention_output.error();
  auto intermediate = make(config.intermediate, config.hidden, false, false);
  if (!intermediate) return intermediate.error();
  auto output = make(config.hidden, config.intermediate, true, false);
  if (!output) return output.error();
  return LayerGemms{.query_key_value = *std::move(query_key_value),
                    .attention_output = *std::move(attention_output),
                    .intermediate = *std::move(intermediate),
                    .output = *std::move(output)};
}

// The steps: 0 embed; of each layer 1 product, 2 attend, 3 product, 4 norm, 5 product, 6 gelu, 7
// product, 8 norm; 9 pool.
LaneTensors::LaneTensors(const ModelHeader& header, const CudaBucket& largest) {
  const uint64_t rows = largest.tokens;
  const uint64_t hidden_numbers = rows * header.encoder.hidden;
  const TensorSpec specs[] = {
      {.bytes = BatchLayout(largest).bytes, .first_step = 0, .last_step = 9},
      {.bytes = 2 * hidden_numbers, .first_step = 0, .last_step = 9},
      {.bytes = 2 * 3 * hidden_numbers, .first_step = 1, .last_step = 2},
      {.bytes = 2 * hidden_numbers, .first_step = 2, .last_step = 3},
      {.bytes = 4 * hidden_numbers, .first_step = 3, .last_step = 4},
      {.bytes = 2 * rows * header.encoder.intermediate, .first_step = 5, .last_step = 7},
      {.bytes = 4 * hidden_numbers, .first_step = 7, .last_step = 8},
      {.bytes = uint64_t{4} * largest.texts * header.dims(), .first_step = 9, .last_step = 9},
      {.bytes = cuda_gemm_workspace_bytes, .first_step = 0, .last_step = 9},
  };
  const TensorPlan plan = plan_tensors(specs);
  uint64_t* const offsets[] = {&batch, &hidden,         &qkv,     &context,  &attention_product,
                               &wide,  &output_product, &vectors, &workspace};
  for (size_t i = 0; i < plan.offsets.size(); ++i) *offsets[i] = plan.offsets[i];
  bytes = plan.bytes;
}

Result<std::unique_ptr<CudaLane>> CudaLane::make(const EncoderOnDevice& encoder, int32_t priority,
                                                 const std::vector<CudaBucket>& buckets) {
  const CudaDriver& driver = encoder.driver;
  std::unique_ptr<CudaLane> lane{new CudaLane(encoder, buckets.back())};
  auto stream = make_handle<StreamHandle>(driver, "make a stream", [&](CudaStream** made) {
    return driver.make_stream(priority, made);
  });
  if (!stream) return stream.error();
  lane->stream_ = *std::move(stream);
  auto memory = make_handle<DeviceMemory>(driver, "allocate memory for a lane", [&](void** made) {
    return driver.allocate(lane->tensors_.bytes, made);
  });
  if (!memory) return memory.error();
  lane->memory_ = *std::move(memory);
  if (Status status = lane->run_once(encoder, buckets.front()); !status) return status.error();
  for (const CudaBucket& bucket : buckets)
    if (Status status = lane->record(encoder, bucket); !status) return status.error();
  return lane;
}

// A kernel is loaded when it is first called, which may not be allowed while work is recorded. So
// all are called before, on a batch of nothing.
Status CudaLane::run_once(const EncoderOnDevice& encoder, const CudaBucket& bucket) {
  auto nothing = make_handle<PinnedMemory>(driver_, "pin memory of the host", [&](void** made) {
    return driver_.allocate_pinned(sizeof(CudaBatchCounts), made);
  });
  if (!nothing) return nothing.error();
  *static_cast<CudaBatchCounts*>(nothing->get()) = {};
  auto* const memory = static_cast<std::byte*>(memory_.get());
  int error = driver_.copy_in(memory + tensors_.batch + BatchLayout(bucket).counts, nothing->get(),
                              sizeof(CudaBatchCounts), stream_.get());
  if (error == 0) error = queue_encoder(encoder, tensors_, bucket, memory, stream_.get());
  const int ended = driver_.synchronize(stream_.get());
  if (error == 0) error = ended;
  if (error != 0) return cuda_error(driver_, "run the encoder's work", error);
  return {};
}

Status CudaLane::record(const EncoderOnDevice& encoder, const CudaBucket& bucket) {
  const auto record_graph = [&](CudaGraph** made) {
    if (const int error = driver_.begin_recording(stream_.get()); error != 0) return error;
    const int queued = queue_encoder(encoder, tensors_, bucket,
                                     static_cast<std::byte*>(memory_.get()), stream_.get());
    const int ended = driver_.end_recording(stream_.get(), made);
    if (queued != 0 && ended == 0) driver_.release_graph(*made);
    return queued != 0 ? queued : ended;
  };
  auto graph = make_handle<GraphHandle>(driver_, "record the encoder's work", record_graph);
  if (!graph) return graph.error();
  recorded_.push_back(
      {.bucket = bucket, .layout = BatchLayout(bucket), .graph = *std::move(graph)});
  return {};
}

size_t CudaLane::bucket_for(uint32_t tokens, uint32_t texts) const {
  const auto fits = [&](const Recorded& recorded) {
    return tokens <= recorded.bucket.tokens && texts <= recorded.bucket.texts;
  };
  const auto found = std::ranges::find_if(recorded_, fits);
  ENSURE(found != recorded_.end());
  return static_cast<size_t>(found - recorded_.begin());
}

int CudaLane::queue(const Run& run) {
  const Recorded& recorded = recorded_[run.bucket];
  auto* const memory = static_cast<std::byte*>(memory_.get());
  CudaStream* const stream = stream_.get();
  const std::lock_guard lock(queueing_);
  int error = driver_.copy_in(memory + tensors_.batch, run.in, recorded.layout.bytes, stream);
  if (error == 0) error = driver_.launch(recorded.graph.get(), stream);
  if (error == 0)
    error = driver_.copy_out(run.out, memory + tensors_.vectors, run.out_bytes, stream);
  if (error == 0) error = driver_.record(run.done, stream);
  return error;
}

}  // namespace hilo
