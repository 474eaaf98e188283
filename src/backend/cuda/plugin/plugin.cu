// libhilo_cuda.so: the table of driver.h by the CUDA runtime and cuBLASLt, and the kernels.
#include <algorithm>
#include <cuda_runtime_api.h>

#include "backend/cuda/driver.h"
#include "backend/cuda/kernels/attention.cu"
#include "backend/cuda/kernels/embed.cu"
#include "backend/cuda/kernels/layer.cu"
#include "backend/cuda/kernels/pool.cu"
#include "backend/cuda/plugin/products.h"

namespace {

cudaEvent_t event_of(CudaEvent* event) { return reinterpret_cast<cudaEvent_t>(event); }
cudaGraphExec_t graph_of(CudaGraph* graph) { return reinterpret_cast<cudaGraphExec_t>(graph); }

// ---- Device

int open_device(CudaDevice* device) {
  int count = 0;
  if (const int error = runtime(cudaGetDeviceCount(&count)); error != 0) return error;
  if (count == 0) return runtime(cudaErrorNoDevice);
  cudaDeviceProp properties{};
  if (const int error = runtime(cudaGetDeviceProperties(&properties, 0)); error != 0) return error;
  size_t bytes_free = 0;
  size_t bytes_total = 0;
  if (const int error = runtime(cudaMemGetInfo(&bytes_free, &bytes_total)); error != 0)
    return error;
  int least = 0;
  int greatest = 0;
  if (const int error = runtime(cudaDeviceGetStreamPriorityRange(&least, &greatest)); error != 0)
    return error;
  *device = {.name = {},
             .bytes_total = bytes_total,
             .bytes_free = bytes_free,
             .capability_major = properties.major,
             .capability_minor = properties.minor,
             .priority_least = least,
             .priority_greatest = greatest};
  std::copy_n(properties.name, sizeof(device->name) - 1, device->name);
  return cublas(cublasLtCreate(&cublas_handle));
}

void close_device() {
  if (cublas_handle != nullptr) cublasLtDestroy(cublas_handle);
  cublas_handle = nullptr;
}

const char* error_text(int error) {
  if (error >= cublas_errors)
    return cublasLtGetStatusString(static_cast<cublasStatus_t>(error - cublas_errors));
  return cudaGetErrorString(static_cast<cudaError_t>(error));
}

// ---- Memory, streams, events

int allocate(uint64_t bytes, void** memory) { return runtime(cudaMalloc(memory, bytes)); }
void release(void* memory) { cudaFree(memory); }
int allocate_pinned(uint64_t bytes, void** memory) {
  return runtime(cudaHostAlloc(memory, bytes, cudaHostAllocDefault));
}
void release_pinned(void* memory) { cudaFreeHost(memory); }

// Streams do not wait for the default stream, on which nothing is queued.
int make_stream(int32_t priority, CudaStream** stream) {
  return runtime(cudaStreamCreateWithPriority(reinterpret_cast<cudaStream_t*>(stream),
                                              cudaStreamNonBlocking, priority));
}
void release_stream(CudaStream* stream) { cudaStreamDestroy(stream_of(stream)); }
int synchronize(CudaStream* stream) { return runtime(cudaStreamSynchronize(stream_of(stream))); }

int make_event(int sleeps, CudaEvent** event) {
  const unsigned flags = cudaEventDisableTiming | (sleeps != 0 ? cudaEventBlockingSync : 0U);
  return runtime(cudaEventCreateWithFlags(reinterpret_cast<cudaEvent_t*>(event), flags));
}
void release_event(CudaEvent* event) { cudaEventDestroy(event_of(event)); }
int record(CudaEvent* event, CudaStream* stream) {
  return runtime(cudaEventRecord(event_of(event), stream_of(stream)));
}
int wait(CudaEvent* event) { return runtime(cudaEventSynchronize(event_of(event))); }

int copy_in(void* to, const void* from, uint64_t bytes, CudaStream* stream) {
  return runtime(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_of(stream)));
}
int copy_out(void* to, const void* from, uint64_t bytes, CudaStream* stream) {
  return runtime(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_of(stream)));
}

// ---- Graphs

// Other threads go on with their own calls meanwhile.
int begin_recording(CudaStream* stream) {
  return runtime(cudaStreamBeginCapture(stream_of(stream), cudaStreamCaptureModeThreadLocal));
}
int end_recording(CudaStream* stream, CudaGraph** graph) {
  cudaGraph_t recorded = nullptr;
  if (const int error = runtime(cudaStreamEndCapture(stream_of(stream), &recorded)); error != 0)
    return error;
  const int error =
      runtime(cudaGraphInstantiate(reinterpret_cast<cudaGraphExec_t*>(graph), recorded, 0));
  cudaGraphDestroy(recorded);
  return error;
}
void release_graph(CudaGraph* graph) { cudaGraphExecDestroy(graph_of(graph)); }
int launch(CudaGraph* graph, CudaStream* stream) {
  return runtime(cudaGraphLaunch(graph_of(graph), stream_of(stream)));
}

constexpr CudaDriver driver = {.version = cuda_driver_version,
                               .open = open_device,
                               .close = close_device,
                               .error_text = error_text,
                               .allocate = allocate,
                               .release = release,
                               .allocate_pinned = allocate_pinned,
                               .release_pinned = release_pinned,
                               .make_stream = make_stream,
                               .release_stream = release_stream,
                               .synchronize = synchronize,
                               .make_event = make_event,
                               .release_event = release_event,
                               .record = record,
                               .wait = wait,
                               .copy_in = copy_in,
                               .copy_out = copy_out,
                               .begin_recording = begin_recording,
                               .end_recording = end_recording,
                               .release_graph = release_graph,
                               .launch = launch,
                               .make_gemm = make_gemm,
                               .release_gemm = release_gemm,
                               .multiply = multiply,
                               .embed = cuda_embed,
                               .add_norm = cuda_add_norm,
                               .gelu = cuda_gelu,
                               .attend = cuda_attend,
                               .pool = cuda_pool,
                               .score = cuda_score,
                               .upcast_int32 = cuda_upcast_int32,
                               .upcast_int64 = cuda_upcast_int64};

}  // namespace

extern "C" __attribute__((visibility("default"))) const CudaDriver* hilo_cuda_driver() {
  return &driver;
}
