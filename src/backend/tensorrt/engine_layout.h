// What a loaded engine takes and gives, asked from the engine itself and held against the model:
// whoever made it, hilo gives it nothing that it does not expect.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "backend/cuda/handles.h"
#include "backend/tensorrt/shim.h"
#include "base/result.h"
#include "model/model.h"
#include "protocol/lane.h"

namespace hilo {

using EngineHandle = TableHandle<TensorRtShim, TensorRtEngine, &TensorRtShim::release>;
using ContextHandle = TableHandle<TensorRtShim, TensorRtContext, &TensorRtShim::release_context>;

// "TensorRT cannot load the engine: CAUSE"
Error tensorrt_error(const TensorRtShim& shim, std::string_view what);

inline constexpr const char* ids_input = "input_ids";
inline constexpr const char* mask_input = "attention_mask";
inline constexpr const char* types_input = "token_type_ids";

struct EngineLayout {
  bool takes_int64 = false;  // else int32
  bool takes_types = false;
  std::string output;  // fp32: [texts, dims], or [texts] for scores
  std::array<TensorRtProfile, lane_count> profiles{};

  uint32_t id_bytes() const { return takes_int64 ? sizeof(int64_t) : sizeof(int32_t); }
};

Result<EngineLayout> read_engine_layout(const TensorRtShim& shim, const EngineHandle& engine,
                                        const ModelHeader& header);

}  // namespace hilo
