// One .safetensors file: an eight-byte header length, a JSON header that names each tensor's type,
// shape and place, and the tensors' bytes. The format's own rules are all enforced: the tensors
// fill the data without holes, overlap or rest, and each one's size is that of its shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/model_file.h"

namespace hilo {

inline constexpr uint64_t safetensors_header_bytes_max = 100'000'000;

struct StoredTensor {
  std::string type;  // as the file spells it: "F32", "BF16"
  std::vector<uint64_t> shape;
  std::span<const std::byte> bytes;  // inside the file's mapping
};

using StoredTensors = std::map<std::string, StoredTensor, std::less<>>;

// Checks a whole file and lists its tensors. `path` is for error messages.
Result<StoredTensors> parse_safetensors(std::span<const std::byte> file,
                                        const std::filesystem::path& path);

class SafetensorsFile {
 public:
  static Result<SafetensorsFile> open(const std::filesystem::path& path);

  const MappedFile& file() const { return file_; }
  // nullptr: the file has no tensor of this name.
  const StoredTensor* find(std::string_view name) const;

 private:
  SafetensorsFile(MappedFile file, StoredTensors tensors);

  MappedFile file_;
  StoredTensors tensors_;
};

}  // namespace hilo
