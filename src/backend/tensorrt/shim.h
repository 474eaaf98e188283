// The one door to TensorRT: a table of functions with C types. libhilo_tensorrt.so.MAJOR fills it,
// one for each major version, since TensorRT's classes are laid out anew with each; tests fill it
// with an engine that is played on the host (host/fake_shim.h). Streams and memory are those of the
// table of CUDA (backend/cuda/driver.h), which is opened first.
//
// Functions that return an int give 0 or an error, and error_text() says what it was. Threads: one
// at a time for an engine or context; error_text() is that of the calling thread.
#pragma once

#include <cstdint>

extern "C" {

struct CudaStream;
struct TensorRtEngine;
struct TensorRtContext;

enum TensorRtConstants : uint32_t {
  tensorrt_shim_version = 1,  // of this table
  tensorrt_name_bytes = 64,
  tensorrt_rank_max = 4,
};

enum TensorRtType : uint32_t {
  tensorrt_other = 0,
  tensorrt_fp32 = 1,
  tensorrt_int32 = 2,
  tensorrt_int64 = 3,
};

struct TensorRtTensor {
  char name[tensorrt_name_bytes];
  enum TensorRtType type;
  uint32_t is_input;
  uint32_t rank;
  int64_t shape[tensorrt_rank_max];  // -1: told with each batch
};

struct TensorRtShape {
  uint32_t texts;
  uint32_t tokens;  // of each, padding included
};

// What the inputs may be, and how much device memory that takes beside them, at most.
struct TensorRtProfile {
  struct TensorRtShape min;
  struct TensorRtShape max;
  uint64_t memory_bytes;
};

struct TensorRtFacts {
  uint32_t tensors;
  uint32_t profiles;
  uint32_t auxiliary_streams;
};

struct TensorRtShim {
  uint32_t version;

  // Asks CUDA for a device before it touches TensorRT, which without one makes a runtime that
  // cannot be used. Everything else comes after it.
  int (*open)();
  void (*close)();
  // What the last error of this thread was, as a clause. Cut to `bytes`, zero included.
  void (*error_text)(char* text, uint32_t bytes);

  // Runs code that is in the engine: the caller knows where it comes from.
  int (*load)(const void* content, uint64_t bytes, struct TensorRtEngine** engine);
  void (*release)(struct TensorRtEngine* engine);
  int (*describe)(const struct TensorRtEngine* engine, struct TensorRtFacts* facts);
  int (*describe_tensor)(const struct TensorRtEngine* engine, uint32_t index,
                         struct TensorRtTensor* tensor);
  int (*describe_profile)(const struct TensorRtEngine* engine, uint32_t index,
                          struct TensorRtProfile* profile);

  // One profile for good, chosen on this stream, for which it waits. It allocates no device memory
  // of its own: set_memory() gives it what the profile takes.
  int (*make_context)(struct TensorRtEngine* engine, uint32_t profile, struct CudaStream* stream,
                      struct TensorRtContext** context);
  void (*release_context)(struct TensorRtContext* context);
  int (*set_memory)(struct TensorRtContext* context, void* device_memory, uint64_t bytes);
  int (*bind)(struct TensorRtContext* context, const char* tensor, void* device_memory);
  int (*set_shape)(struct TensorRtContext* context, const char* input,
                   const struct TensorRtShape* shape);
  // Queues the whole engine.
  int (*enqueue)(struct TensorRtContext* context, struct CudaStream* stream);
};

// What the library exports.
const struct TensorRtShim* hilo_tensorrt_shim();

}  // extern "C"
