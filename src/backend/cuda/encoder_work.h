// The encoder as work on a stream: every kernel and product, from token ids to vectors.
#pragma once

#include "backend/cuda/cuda_lane.h"

namespace hilo {

// Queues all of it for a batch of up to this size, whose tensors lie behind `memory`. 0, or the
// error of the first call that failed.
int queue_encoder(const EncoderOnDevice& encoder, const LaneTensors& tensors,
                  const CudaBucket& bucket, std::byte* memory, CudaStream* stream);

}  // namespace hilo
