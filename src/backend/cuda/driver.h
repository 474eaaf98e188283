// The one door to a GPU: a table of functions with C types. libhilo_cuda.so fills it with calls of
// the CUDA runtime and of cuBLASLt, so that hilo itself depends on neither; tests fill it with a
// device that is played on the host and checks what it is asked (host/fake_driver.h).
//
// Functions that return an int give 0 or an error that error_text() names. What only queues work on
// a stream returns at once. Threads: any; a stream is used by one at a time.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels.h"

extern "C" {

struct CudaEvent;
struct CudaGraph;  // recorded work, ready to be launched
struct CudaGemm;   // how products of one shape are computed

enum CudaDriverConstants : uint32_t {
  cuda_driver_version = 3,  // of this table
  cuda_alignment = 256,     // of everything in device memory that a function is given
  cuda_gemm_workspace_bytes = 4U << 20,
};

struct CudaDevice {
  char name[64];
  uint64_t bytes_total;
  uint64_t bytes_free;
  int32_t capability_major;
  int32_t capability_minor;
  int32_t priority_least;  // Greater priorities are smaller numbers.
  int32_t priority_greatest;
};

// out [rows, columns] = rows [rows, depth] x weights^T [+ bias], weights [columns, depth]; sums in
// fp32.
struct CudaGemmShape {
  uint32_t columns;
  uint32_t depth;
  uint32_t rows_max;
  uint32_t out_is_fp32;  // else 16 bits, as `format` says
  uint32_t adds_bias;
  enum CudaFormat format;
};
struct CudaProduct {
  const uint16_t* rows;
  const uint16_t* weights;
  const uint16_t* bias;  // [columns], where the shape adds it
  void* out;
  void* workspace;  // cuda_gemm_workspace_bytes, of the stream alone
  uint32_t row_count;
};

struct CudaDriver {
  uint32_t version;

  // Asks for a device and takes the first. Everything else comes after it.
  int (*open)(struct CudaDevice* device);
  void (*close)();
  const char* (*error_text)(int error);

  int (*allocate)(uint64_t bytes, void** device_memory);
  void (*release)(void* device_memory);
  int (*allocate_pinned)(uint64_t bytes, void** host_memory);
  void (*release_pinned)(void* host_memory);

  int (*make_stream)(int32_t priority, struct CudaStream** stream);
  void (*release_stream)(struct CudaStream* stream);
  int (*synchronize)(struct CudaStream* stream);

  // Who waits for an event sleeps if it `sleeps`, else stays awake.
  int (*make_event)(int sleeps, struct CudaEvent** event);
  void (*release_event)(struct CudaEvent* event);
  int (*record)(struct CudaEvent* event, struct CudaStream* stream);
  int (*wait)(struct CudaEvent* event);

  // Host memory is pinned.
  int (*copy_in)(void* device_memory, const void* host_memory, uint64_t bytes,
                 struct CudaStream* stream);
  int (*copy_out)(void* host_memory, const void* device_memory, uint64_t bytes,
                  struct CudaStream* stream);

  // Between the two, work is recorded and not done. A recording that failed has ended.
  int (*begin_recording)(struct CudaStream* stream);
  int (*end_recording)(struct CudaStream* stream, struct CudaGraph** graph);
  void (*release_graph)(struct CudaGraph* graph);
  int (*launch)(struct CudaGraph* graph, struct CudaStream* stream);

  // A row's bits do not depend on the number of rows. Ways to compute the shape may be tried when
  // it is made, which takes time and memory.
  int (*make_gemm)(const struct CudaGemmShape* shape, struct CudaGemm** gemm);
  void (*release_gemm)(struct CudaGemm* gemm);
  int (*multiply)(const struct CudaGemm* gemm, const struct CudaProduct* product,
                  struct CudaStream* stream);

  // See kernels.h.
  int (*embed)(const struct CudaEmbed* embed, struct CudaStream* stream);
  int (*add_norm)(const struct CudaAddNorm* add_norm, struct CudaStream* stream);
  int (*gelu)(const struct CudaGelu* gelu, struct CudaStream* stream);
  int (*attend)(const struct CudaAttention* attention, struct CudaStream* stream);
  int (*pool)(const struct CudaPool* pool, struct CudaStream* stream);
  int (*score)(const struct CudaScore* score, struct CudaStream* stream);
  int (*upcast_int32)(const struct CudaUpcast* upcast, struct CudaStream* stream);
  int (*upcast_int64)(const struct CudaUpcast* upcast, struct CudaStream* stream);
};

// What the plug-in exports.
const struct CudaDriver* hilo_cuda_driver();

}  // extern "C"
