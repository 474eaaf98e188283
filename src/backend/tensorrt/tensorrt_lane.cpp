#include "backend/tensorrt/tensorrt_lane.h"

#include <algorithm>

#include "backend/cuda/tensor_plan.h"

namespace hilo {

// The steps: 0 copy in, 1 widen, 2 the engine, 3 copy out.
TensorRtTensors::TensorRtTensors(const EngineLayout& layout, const ModelHeader& header,
                                 const TensorRtProfile& profile, uint32_t cells) {
  const uint64_t wide = uint64_t{cells} * layout.id_bytes();
  const TensorSpec specs[] = {
      {.bytes = PaddedLayout(cells).bytes, .first_step = 0, .last_step = 1},
      {.bytes = wide, .first_step = 1, .last_step = 2},
      {.bytes = wide, .first_step = 1, .last_step = 2},
      {.bytes = layout.takes_types ? wide : 0, .first_step = 1, .last_step = 2},
      {.bytes = profile.memory_bytes, .first_step = 2, .last_step = 2},
      {.bytes = uint64_t{profile.max.texts} * header.dims() * sizeof(float),
       .first_step = 2,
       .last_step = 3},
  };
  const TensorPlan plan = plan_tensors(specs);
  uint64_t* const offsets[] = {&narrow, &ids, &mask, &types, &scratch, &output};
  for (size_t i = 0; i < plan.offsets.size(); ++i) *offsets[i] = plan.offsets[i];
  bytes = plan.bytes;
}

Result<std::unique_ptr<TensorRtLane>> TensorRtLane::make(const LoadedEngine& engine,
                                                         uint32_t profile, int32_t priority,
                                                         uint32_t cells) {
  std::unique_ptr<TensorRtLane> lane{new TensorRtLane(engine, profile, cells)};
  if (Status prepared = lane->prepare(profile, priority); !prepared) return prepared.error();
  return lane;
}

Status TensorRtLane::prepare(uint32_t profile, int32_t priority) {
  const CudaDriver& driver = engine_.driver;
  const TensorRtShim& shim = engine_.shim;
  auto stream = make_handle<StreamHandle>(driver, "make a stream", [&](CudaStream** made) {
    return driver.make_stream(priority, made);
  });
  if (!stream) return stream.error();
  stream_ = *std::move(stream);
  auto memory = make_handle<DeviceMemory>(driver, "allocate memory for a lane", [&](void** made) {
    return driver.allocate(tensors_.bytes, made);
  });
  if (!memory) return memory.error();
  memory_ = *std::move(memory);
  TensorRtContext* context = nullptr;
  if (shim.make_context(engine_.engine.get(), profile, stream_.get(), &context) != 0)
    return tensorrt_error(shim, "make an execution context");
  context_ = ContextHandle{shim, context};
  if (shim.set_memory(context, at(tensors_.scratch), profile_.memory_bytes) != 0)
    return tensorrt_error(shim, "take its memory");
  return bind_all();
}

Status TensorRtLane::bind_all() {
  const auto bind = [&](const char* name, uint64_t offset) {
    return engine_.shim.bind(context_.get(), name, at(offset)) == 0;
  };
  const bool bound = bind(ids_input, tensors_.ids) && bind(mask_input, tensors_.mask) &&
                     (!engine_.layout.takes_types || bind(types_input, tensors_.types)) &&
                     bind(engine_.layout.output.c_str(), tensors_.output);
  return bound ? Status{} : Status{tensorrt_error(engine_.shim, "take the place of a tensor")};
}

// Numbers of at least `bound` become the last below it.
int TensorRtLane::widen(uint64_t from, uint64_t to, uint32_t count, uint32_t bound) {
  const CudaUpcast upcast{.ids = reinterpret_cast<const uint16_t*>(at(from)),
                          .wide = at(to),
                          .count = count,
                          .vocabulary = bound};
  const CudaDriver& driver = engine_.driver;
  return engine_.layout.takes_int64 ? driver.upcast_int64(&upcast, stream_.get())
                                    : driver.upcast_int32(&upcast, stream_.get());
}

int TensorRtLane::copy_in_and_widen(const Run& run) {
  const EncoderConfig& encoder = engine_.header.encoder;
  const uint32_t cells = run.shape.texts * run.shape.tokens;
  const PaddedLayout layout(cells);
  int error = engine_.driver.copy_in(at(tensors_.narrow), run.in, layout.bytes, stream_.get());
  if (error == 0)
    error = widen(tensors_.narrow + layout.ids, tensors_.ids, cells, encoder.vocabulary);
  if (error == 0) error = widen(tensors_.narrow + layout.mask, tensors_.mask, cells, 2);
  if (error == 0 && engine_.layout.takes_types)
    error = widen(tensors_.narrow + layout.types, tensors_.types, cells,
                  std::max(encoder.token_types, 1U));
  return error;
}

bool TensorRtLane::tell_shape(const TensorRtShape& shape) {
  const auto tell = [&](const char* input) {
    return engine_.shim.set_shape(context_.get(), input, &shape) == 0;
  };
  return tell(ids_input) && tell(mask_input) && (!engine_.layout.takes_types || tell(types_input));
}

Status TensorRtLane::queue(const Run& run) {
  const CudaDriver& driver = engine_.driver;
  const uint64_t out_bytes = uint64_t{run.shape.texts} * engine_.header.dims() * sizeof(float);
  const std::lock_guard lock(queueing_);
  if (const int error = copy_in_and_widen(run); error != 0)
    return cuda_error(driver, "take a batch", error);
  if (!tell_shape(run.shape) || engine_.shim.enqueue(context_.get(), stream_.get()) != 0)
    return tensorrt_error(engine_.shim, "queue a batch");
  int error = driver.copy_out(run.out, at(tensors_.output), out_bytes, stream_.get());
  if (error == 0) error = driver.record(run.done, stream_.get());
  return error == 0 ? Status{} : Status{cuda_error(driver, "give vectors back", error)};
}

}  // namespace hilo
