#include "backend/tensorrt/engine_layout.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace hilo {
namespace {

constexpr const char* advice = "prepare the model again with `hilo model prepare`";

Error wrong_engine(std::string_view cause) {
  return Error{fmt::format("the engine {}; {}", cause, advice)};
}

Result<std::vector<TensorRtTensor>> tensors_of(const TensorRtShim& shim, const EngineHandle& engine,
                                               uint32_t count) {
  std::vector<TensorRtTensor> tensors(count);
  for (uint32_t index = 0; index < count; ++index) {
    if (shim.describe_tensor(engine.get(), index, &tensors[index]) != 0)
      return tensorrt_error(shim, "tell about a tensor of the engine");
    tensors[index].name[tensorrt_name_bytes - 1] = '\0';
  }
  return tensors;
}

bool is_table_of_ids(const TensorRtTensor& tensor) {
  return tensor.rank == 2 && tensor.shape[0] == -1 && tensor.shape[1] == -1 &&
         (tensor.type == tensorrt_int32 || tensor.type == tensorrt_int64);
}

// All inputs have one type.
Status read_input(const TensorRtTensor& tensor, std::optional<TensorRtType>& type,
                  EngineLayout& layout) {
  const std::string_view name = tensor.name;
  if (name != ids_input && name != mask_input && name != types_input)
    return wrong_engine(fmt::format("has an input that hilo does not know, {}", name));
  if (!is_table_of_ids(tensor))
    return wrong_engine(fmt::format(
        "takes {} as something else than integers for any number of texts and tokens", name));
  if (type && *type != tensor.type) return wrong_engine("takes integers of two widths");
  type = tensor.type;
  layout.takes_int64 = tensor.type == tensorrt_int64;
  layout.takes_types = layout.takes_types || name == types_input;
  return {};
}

Status read_output(const TensorRtTensor& tensor, const ModelHeader& header, EngineLayout& layout) {
  if (!layout.output.empty()) return wrong_engine("has several outputs");
  const bool one_score = header.score && tensor.rank == 1;
  const bool fits = one_score || (tensor.rank == 2 && tensor.shape[1] == header.dims());
  if (tensor.type != tensorrt_fp32 || !fits || tensor.shape[0] != -1)
    return wrong_engine(fmt::format("gives {} in another form than {} numbers in fp32 a text",
                                    tensor.name, header.dims()));
  layout.output = tensor.name;
  return {};
}

Status read_profiles(const TensorRtShim& shim, const EngineHandle& engine, uint32_t count,
                     const ModelHeader& header, EngineLayout& layout) {
  if (count != lane_count)
    return wrong_engine(
        fmt::format("has {} profiles, and it takes one for HIGH and one for LOW", count));
  for (uint32_t index = 0; index < count; ++index) {
    TensorRtProfile& profile = layout.profiles[index];
    if (shim.describe_profile(engine.get(), index, &profile) != 0)
      return tensorrt_error(shim, "tell about a profile of the engine");
    if (profile.min.texts > 1 || profile.min.tokens > 1 || profile.max.texts == 0)
      return wrong_engine("has a profile that does not begin with one text of one token");
    if (profile.max.tokens < header.tokens_max)
      return wrong_engine(fmt::format("takes texts of {} tokens, and the model has up to {}",
                                      profile.max.tokens, header.tokens_max));
  }
  return {};
}

}  // namespace

Error tensorrt_error(const TensorRtShim& shim, std::string_view what) {
  char cause[512] = {};
  shim.error_text(cause, sizeof(cause));
  return Error{fmt::format("TensorRT cannot {}: {}", what, static_cast<const char*>(cause))};
}

Result<EngineLayout> read_engine_layout(const TensorRtShim& shim, const EngineHandle& engine,
                                        const ModelHeader& header) {
  TensorRtFacts facts{};
  if (shim.describe(engine.get(), &facts) != 0)
    return tensorrt_error(shim, "tell about the engine");
  // They would have a priority of their own, so HIGH could wait for LOW.
  if (facts.auxiliary_streams != 0)
    return wrong_engine(fmt::format("works on {} more streams", facts.auxiliary_streams));
  const auto tensors = tensors_of(shim, engine, facts.tensors);
  if (!tensors) return tensors.error();
  EngineLayout layout;
  std::optional<TensorRtType> type;
  for (const TensorRtTensor& tensor : *tensors) {
    const Status read = tensor.is_input != 0 ? read_input(tensor, type, layout)
                                             : read_output(tensor, header, layout);
    if (!read) return read.error();
  }
  for (const char* name : {ids_input, mask_input, types_input})
    if ((name != types_input || header.encoder.token_types > 1) &&
        std::ranges::none_of(*tensors, [&](const TensorRtTensor& tensor) {
          return std::string_view{tensor.name} == name;
        }))
      return wrong_engine(fmt::format("does not take {}", name));
  if (layout.output.empty()) return wrong_engine("has no output");
  if (Status read = read_profiles(shim, engine, facts.profiles, header, layout); !read)
    return read.error();
  return layout;
}

}  // namespace hilo
