// libhilo_cuda.so: the table of driver.h by the CUDA runtime and cuBLASLt, and the kernels.
#include <algorithm>
#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <memory>
#include <new>

#include "backend/cuda/driver.h"
#include "backend/cuda/kernels/attention.cu"
#include "backend/cuda/kernels/embed.cu"
#include "backend/cuda/kernels/layer.cu"
#include "backend/cuda/kernels/pool.cu"

struct CudaGemm {
  CudaGemmShape shape;
  cublasLtMatmulDesc_t description;
  cublasLtMatmulAlgo_t algorithm;
};

namespace {

// Errors of cuBLASLt are counted on from here, those of the runtime from 0.
constexpr int cublas_errors = 10000;

int runtime(cudaError_t error) { return static_cast<int>(error); }
int cublas(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? 0 : cublas_errors + static_cast<int>(status);
}
cudaStream_t stream_of(CudaStream* stream) { return reinterpret_cast<cudaStream_t>(stream); }
cudaEvent_t event_of(CudaEvent* event) { return reinterpret_cast<cudaEvent_t>(event); }
cudaGraphExec_t graph_of(CudaGraph* graph) { return reinterpret_cast<cudaGraphExec_t>(graph); }

cublasLtHandle_t cublas_handle = nullptr;

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

// ---- Products. cuBLASLt counts columns first: row-major out is out^T = weights x rows^T to it.

cudaDataType_t type_of(CudaFormat format) { return format == cuda_bf16 ? CUDA_R_16BF : CUDA_R_16F; }

struct Layouts {
  explicit Layouts(const CudaGemmShape& shape, uint32_t row_count) {
    const cudaDataType_t narrow = type_of(shape.format);
    const cudaDataType_t out_type = shape.out_is_fp32 != 0 ? CUDA_R_32F : narrow;
    status = cublasLtMatrixLayoutInit(&weights, narrow, shape.depth, shape.columns, shape.depth);
    if (status == CUBLAS_STATUS_SUCCESS)
      status = cublasLtMatrixLayoutInit(&rows, narrow, shape.depth, row_count, shape.depth);
    if (status == CUBLAS_STATUS_SUCCESS)
      status = cublasLtMatrixLayoutInit(&out, out_type, shape.columns, row_count, shape.columns);
  }
  cublasLtMatrixLayoutOpaque_t weights{};
  cublasLtMatrixLayoutOpaque_t rows{};
  cublasLtMatrixLayoutOpaque_t out{};
  cublasStatus_t status;
};

// The best way without sums that are split: those would be added in another order for another
// number of rows.
int choose_algorithm(CudaGemm& gemm) {
  Layouts layouts(gemm.shape, gemm.shape.rows_max);
  if (layouts.status != CUBLAS_STATUS_SUCCESS) return cublas(layouts.status);
  cublasLtMatmulPreferenceOpaque_t preference{};
  cublasStatus_t status = cublasLtMatmulPreferenceInit(&preference);
  const uint64_t workspace_bytes = cuda_gemm_workspace_bytes;
  const uint32_t whole_sums = CUBLASLT_REDUCTION_SCHEME_NONE;
  if (status == CUBLAS_STATUS_SUCCESS)
    status =
        cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                             &workspace_bytes, sizeof(workspace_bytes));
  if (status == CUBLAS_STATUS_SUCCESS)
    status = cublasLtMatmulPreferenceSetAttribute(
        &preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &whole_sums, sizeof(whole_sums));
  if (status != CUBLAS_STATUS_SUCCESS) return cublas(status);
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  status = cublasLtMatmulAlgoGetHeuristic(cublas_handle, gemm.description, &layouts.weights,
                                          &layouts.rows, &layouts.out, &layouts.out, &preference, 1,
                                          &best, &found);
  if (status != CUBLAS_STATUS_SUCCESS) return cublas(status);
  if (found == 0) return cublas(CUBLAS_STATUS_NOT_SUPPORTED);
  gemm.algorithm = best.algo;
  return cublas(best.state);
}

void release_gemm(CudaGemm* gemm) {
  if (gemm->description != nullptr) cublasLtMatmulDescDestroy(gemm->description);
  const std::unique_ptr<CudaGemm> owner(gemm);
}

int make_gemm(const CudaGemmShape* shape, CudaGemm** made) {
  std::unique_ptr<CudaGemm, void (*)(CudaGemm*)> gemm{
      new (std::nothrow) CudaGemm{*shape, nullptr, {}}, release_gemm};
  if (gemm == nullptr) return runtime(cudaErrorMemoryAllocation);
  cublasStatus_t status =
      cublasLtMatmulDescCreate(&gemm->description, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  if (status != CUBLAS_STATUS_SUCCESS) return cublas(status);
  const cublasOperation_t transposed = CUBLAS_OP_T;
  status = cublasLtMatmulDescSetAttribute(gemm->description, CUBLASLT_MATMUL_DESC_TRANSA,
                                          &transposed, sizeof(transposed));
  if (status != CUBLAS_STATUS_SUCCESS) return cublas(status);
  if (const int error = choose_algorithm(*gemm); error != 0) return error;
  *made = gemm.release();
  return 0;
}

int multiply(const CudaGemm* gemm, const CudaProduct* product, CudaStream* stream) {
  Layouts layouts(gemm->shape, product->row_count);
  if (layouts.status != CUBLAS_STATUS_SUCCESS) return cublas(layouts.status);
  const float one = 1.0F;
  const float zero = 0.0F;
  return cublas(cublasLtMatmul(cublas_handle, gemm->description, &one, product->weights,
                               &layouts.weights, product->rows, &layouts.rows, &zero, product->out,
                               &layouts.out, product->out, &layouts.out, &gemm->algorithm,
                               product->workspace, cuda_gemm_workspace_bytes, stream_of(stream)));
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
