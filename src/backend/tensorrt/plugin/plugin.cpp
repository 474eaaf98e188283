// libhilo_tensorrt.so.MAJOR: the table of shim.h by TensorRT's classes, whose headers this was
// compiled with. The library itself is opened at run time, and must be of the same major version:
// the classes are tables of virtual functions, which each major version lays out anew.
#include <NvInferRuntime.h>
#include <algorithm>
#include <cstring>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "backend/tensorrt/shim.h"

struct TensorRtEngine {
  std::unique_ptr<nvinfer1::ICudaEngine> engine;
};
struct TensorRtContext {
  std::unique_ptr<nvinfer1::IExecutionContext> context;
};

namespace {

constexpr int refused = -1;
thread_local std::string last_error;

int fail(std::string why) {
  last_error = std::move(why);
  return refused;
}

// What TensorRT logs as an error is the reason of the call that fails behind it, on any thread.
class Log final : public nvinfer1::ILogger {
 public:
  void log(Severity severity, const char* message) noexcept override {
    if (severity > Severity::kERROR) return;
    const std::lock_guard lock(mutex_);
    if (!text_.empty()) text_ += "; ";
    text_ += message;
    text_.resize(std::min<size_t>(text_.size(), text_bytes_max));
  }
  // Empty if nothing was logged since.
  std::string take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(text_, {});
  }

 private:
  static constexpr size_t text_bytes_max = 2000;
  std::mutex mutex_;
  std::string text_;
};

Log logger;  // Outlives all that is made with it.
void* library = nullptr;
std::unique_ptr<nvinfer1::IRuntime> runtime;

// 0 if the call gave what was asked for and logged no error. An error that is logged is one, too,
// when something is returned: without a device TensorRT's runtimes return what cannot be used.
int outcome(bool given) {
  const std::string logged = logger.take();
  if (given && logged.empty()) return 0;
  return fail(logged.empty() ? "it does not say why" : logged);
}

cudaStream_t stream_of(CudaStream* stream) { return reinterpret_cast<cudaStream_t>(stream); }

// ---- The library

int check_device() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) return fail(cudaGetErrorString(error));
  return count > 0 ? 0 : fail("there is no device");
}

// The whole library, or else the one that only runs engines that were built for it.
int open_library() {
  const std::string major = std::to_string(NV_TENSORRT_MAJOR);
  library = dlopen(("libnvinfer.so." + major).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return 0;
  const char* const told = dlerror();
  const std::string why = told == nullptr ? "libnvinfer cannot be loaded" : told;
  library = dlopen(("libnvinfer_lean.so." + major).c_str(), RTLD_NOW | RTLD_LOCAL);
  return library != nullptr ? 0 : fail(why);
}

int check_version() {
  const auto version =
      reinterpret_cast<decltype(&getInferLibVersion)>(dlsym(library, "getInferLibVersion"));
  if (version == nullptr) return fail("libnvinfer does not tell its version");
  const int found = version();
  if (found / 10000 == NV_TENSORRT_MAJOR) return 0;
  return fail("libnvinfer is version " + std::to_string(found / 10000) + ", and this is for " +
              std::to_string(NV_TENSORRT_MAJOR));
}

int open_runtime() {
  if (const int error = check_device(); error != 0) return error;
  if (library == nullptr)
    if (const int error = open_library(); error != 0) return error;
  if (const int error = check_version(); error != 0) return error;
  const auto create = reinterpret_cast<decltype(&createInferRuntime_INTERNAL)>(
      dlsym(library, "createInferRuntime_INTERNAL"));
  if (create == nullptr) return fail("libnvinfer has no runtime");
  logger.take();
  auto* const made = static_cast<nvinfer1::IRuntime*>(create(&logger, NV_TENSORRT_VERSION));
  // With an error it is no object, and must not be touched.
  if (const int error = outcome(made != nullptr); error != 0) return error;
  runtime.reset(made);
  runtime->setEngineHostCodeAllowed(false);
  runtime->setTempfileControlFlags(
      1U << static_cast<uint32_t>(nvinfer1::TempfileControlFlag::kALLOW_IN_MEMORY_FILES));
  return 0;
}

// The library stays: nothing says that it can be opened twice.
void close_runtime() { runtime.reset(); }

void error_text(char* text, uint32_t bytes) {
  const size_t count = std::min<size_t>(last_error.size(), bytes - 1);
  std::memcpy(text, last_error.data(), count);
  text[count] = '\0';
}

// ---- Engines

int load(const void* content, uint64_t bytes, TensorRtEngine** engine) {
  std::unique_ptr<TensorRtEngine> loaded{new (std::nothrow) TensorRtEngine};
  if (loaded == nullptr) return fail("out of memory");
  loaded->engine.reset(runtime->deserializeCudaEngine(content, bytes));
  if (const int error = outcome(loaded->engine != nullptr); error != 0) return error;
  *engine = loaded.release();
  return 0;
}
void release(TensorRtEngine* engine) { const std::unique_ptr<TensorRtEngine> owner(engine); }

int describe(const TensorRtEngine* engine, TensorRtFacts* facts) {
  *facts = {.tensors = static_cast<uint32_t>(engine->engine->getNbIOTensors()),
            .profiles = static_cast<uint32_t>(engine->engine->getNbOptimizationProfiles()),
            .auxiliary_streams = static_cast<uint32_t>(engine->engine->getNbAuxStreams())};
  return outcome(true);
}

TensorRtType type_of(nvinfer1::DataType type) {
  switch (type) {
    case nvinfer1::DataType::kFLOAT:
      return tensorrt_fp32;
    case nvinfer1::DataType::kINT32:
      return tensorrt_int32;
    case nvinfer1::DataType::kINT64:
      return tensorrt_int64;
    default:
      return tensorrt_other;
  }
}

int describe_tensor(const TensorRtEngine* engine, uint32_t index, TensorRtTensor* tensor) {
  const nvinfer1::ICudaEngine& of = *engine->engine;
  const char* const name = of.getIOTensorName(static_cast<int32_t>(index));
  if (const int error = outcome(name != nullptr); error != 0) return error;
  const size_t name_bytes = std::strlen(name) + 1;
  if (name_bytes > sizeof(tensor->name)) return fail("the name of a tensor is too long");
  const nvinfer1::Dims shape = of.getTensorShape(name);
  if (shape.nbDims < 0 || shape.nbDims > static_cast<int32_t>(tensorrt_rank_max))
    return fail("a tensor has too many dimensions");
  *tensor = {.name = {},
             .type = type_of(of.getTensorDataType(name)),
             .is_input = of.getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT,
             .rank = static_cast<uint32_t>(shape.nbDims),
             .shape = {}};
  std::copy_n(name, name_bytes, tensor->name);
  std::copy_n(shape.d, shape.nbDims, tensor->shape);
  return outcome(true);
}

int describe_profile(const TensorRtEngine* engine, uint32_t index, TensorRtProfile* profile) {
  const nvinfer1::ICudaEngine& of = *engine->engine;
  const auto number = static_cast<int32_t>(index);
  const auto shape_of = [&](nvinfer1::OptProfileSelector which) {
    const nvinfer1::Dims shape = of.getProfileShape("input_ids", number, which);
    return shape.nbDims == 2 ? TensorRtShape{.texts = static_cast<uint32_t>(shape.d[0]),
                                             .tokens = static_cast<uint32_t>(shape.d[1])}
                             : TensorRtShape{};
  };
  *profile = {.min = shape_of(nvinfer1::OptProfileSelector::kMIN),
              .max = shape_of(nvinfer1::OptProfileSelector::kMAX),
              .memory_bytes = static_cast<uint64_t>(of.getDeviceMemorySizeForProfileV2(number))};
  return outcome(profile->max.texts > 0);
}

// ---- Contexts

int make_context(TensorRtEngine* engine, uint32_t profile, CudaStream* stream,
                 TensorRtContext** made) {
  std::unique_ptr<TensorRtContext> owner{new (std::nothrow) TensorRtContext};
  if (owner == nullptr) return fail("out of memory");
  owner->context.reset(engine->engine->createExecutionContext(
      nvinfer1::ExecutionContextAllocationStrategy::kUSER_MANAGED));
  if (const int error = outcome(owner->context != nullptr); error != 0) return error;
  const bool chosen =
      owner->context->setOptimizationProfileAsync(static_cast<int32_t>(profile), stream_of(stream));
  if (const int error = outcome(chosen); error != 0) return error;
  if (const cudaError_t error = cudaStreamSynchronize(stream_of(stream)); error != cudaSuccess)
    return fail(cudaGetErrorString(error));
  *made = owner.release();
  return 0;
}
void release_context(TensorRtContext* context) {
  const std::unique_ptr<TensorRtContext> owner(context);
}

int set_memory(TensorRtContext* context, void* memory, uint64_t bytes) {
  context->context->setDeviceMemoryV2(memory, static_cast<int64_t>(bytes));
  return outcome(true);
}
int bind_tensor(TensorRtContext* context, const char* tensor, void* memory) {
  return outcome(context->context->setTensorAddress(tensor, memory));
}
int set_shape(TensorRtContext* context, const char* input, const TensorRtShape* shape) {
  nvinfer1::Dims dims{};
  dims.nbDims = 2;
  dims.d[0] = shape->texts;
  dims.d[1] = shape->tokens;
  return outcome(context->context->setInputShape(input, dims));
}
int enqueue(TensorRtContext* context, CudaStream* stream) {
  return outcome(context->context->enqueueV3(stream_of(stream)));
}

constexpr TensorRtShim shim = {.version = tensorrt_shim_version,
                               .open = open_runtime,
                               .close = close_runtime,
                               .error_text = error_text,
                               .load = load,
                               .release = release,
                               .describe = describe,
                               .describe_tensor = describe_tensor,
                               .describe_profile = describe_profile,
                               .make_context = make_context,
                               .release_context = release_context,
                               .set_memory = set_memory,
                               .bind = bind_tensor,
                               .set_shape = set_shape,
                               .enqueue = enqueue};

}  // namespace

extern "C" __attribute__((visibility("default"))) const TensorRtShim* hilo_tensorrt_shim() {
  return &shim;
}
