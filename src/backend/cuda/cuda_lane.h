// One lane of the GPU: a stream, one allocation for all that batches need while they are computed,
// and for each bucket the recorded work of the whole encoder. Everything is made at the start.
// Batches of a lane are computed one after another in the order in which they were queued.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "backend/cuda/batch_layout.h"
#include "backend/cuda/device_model.h"
#include "backend/cuda/driver.h"
#include "backend/cuda/handles.h"
#include "backend/cuda/tensor_plan.h"
#include "base/result.h"
#include "model/model.h"

namespace hilo {

// How the four products of a layer are computed; all lanes share it.
struct LayerGemms {
  GemmHandle query_key_value, attention_output, intermediate, output;
};
Result<LayerGemms> make_layer_gemms(const CudaDriver& driver, const EncoderConfig& config,
                                    CudaFormat format, uint32_t rows_max);

// The tensors of a lane within its allocation.
struct LaneTensors {
  LaneTensors(const ModelHeader& header, const CudaBucket& largest);

  uint64_t batch, hidden, qkv, context, attention_product, wide, output_product, vectors, workspace;
  uint64_t bytes;
};

// What is the same for every lane.
struct EncoderOnDevice {
  const CudaDriver& driver;
  const ModelHeader& header;
  const DeviceModel& model;
  const LayerGemms& gemms;
};

class CudaLane {
 public:
  static Result<std::unique_ptr<CudaLane>> make(const EncoderOnDevice& encoder, int32_t priority,
                                                const std::vector<CudaBucket>& buckets);

  uint64_t bytes() const { return tensors_.bytes; }
  // The smallest bucket that fits, as an index.
  size_t bucket_for(uint32_t tokens, uint32_t texts) const;
  const BatchLayout& layout(size_t bucket) const { return recorded_[bucket].layout; }

  // Queues a batch that was written to `in`, and the copy of its vectors to `out`; `done` is
  // recorded behind it. 0, or an error, after which some of it may be queued.
  struct Run {
    size_t bucket;
    const void* in;
    void* out;
    uint64_t out_bytes;
    CudaEvent* done;
  };
  int queue(const Run& run);
  // After an error: what was queued touches the caller's buffers no more when it returns.
  void settle() { driver_.synchronize(stream_.get()); }

 private:
  struct Recorded {
    CudaBucket bucket;
    BatchLayout layout;
    GraphHandle graph;
  };

  CudaLane(const EncoderOnDevice& encoder, const CudaBucket& largest)
      : driver_(encoder.driver), tensors_(encoder.header, largest) {}
  Status run_once(const EncoderOnDevice& encoder, const CudaBucket& bucket);
  Status record(const EncoderOnDevice& encoder, const CudaBucket& bucket);

  const CudaDriver& driver_;
  LaneTensors tensors_;
  DeviceMemory memory_;
  StreamHandle stream_;
  std::vector<Recorded> recorded_;
  std::mutex queueing_;
};

}  // namespace hilo
