// softmax(queries * keys^T / sqrt(head)) * values, for each head of one text.
#pragma once

#include <cstddef>

#include "backend/cpu/encoder.h"

namespace hilo {

// Reads the chunk's queries, keys and values at rows [first, first + tokens); writes the same rows
// of its context. Passes the gate for each panel of keys and each tile of queries.
void attend(const PackedModel& model, const CpuKernels& kernels, size_t first, size_t tokens,
            EncoderBuffers& buffers, const YieldGate& gate);

}  // namespace hilo
