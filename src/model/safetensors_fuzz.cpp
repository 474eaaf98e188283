// Any bytes as a .safetensors file: they are refused, or every tensor lies inside of them, has the
// size of its shape, and overlaps no other.
#include <fmt/format.h>

#include "base/ensure.h"
#include "model/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> file = std::as_bytes(std::span{data, size});
  const auto tensors = hilo::parse_safetensors(file, "fuzz.safetensors");
  if (!tensors) {
    ENSURE(tensors.error().message.starts_with("fuzz.safetensors: "));
    return 0;
  }
  size_t bytes_in_tensors = 0;
  for (const auto& [name, tensor] : *tensors) {
    ENSURE(tensor.bytes.data() >= file.data());
    ENSURE(tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size());
    bytes_in_tensors += tensor.bytes.size();
  }
  // None overlaps and none is left out, so together they are what follows the header.
  ENSURE(bytes_in_tensors <= size - sizeof(uint64_t));
  return 0;
}
