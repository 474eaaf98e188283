// The tensors of a model directory by name, whether they lie in one model.safetensors or in shards
// that model.safetensors.index.json lists.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/safetensors.h"

namespace hilo {

inline constexpr size_t shards_max = 1024;

class TensorStore {
 public:
  static Result<TensorStore> open(const std::filesystem::path& directory);

  // The file that error messages name: model.safetensors, or the index of the shards.
  const std::filesystem::path& path() const { return path_; }
  // nullptr: there is no tensor of this name. The pointer stays valid when the store is moved.
  const StoredTensor* find(std::string_view name) const;
  // An error if a file changed since open(): what was read from it cannot be trusted then.
  Status check_unchanged() const;

 private:
  explicit TensorStore(std::filesystem::path path) : path_(std::move(path)) {}
  Status open_shards(const std::filesystem::path& directory);

  std::filesystem::path path_;
  std::vector<SafetensorsFile> files_;
  // Which file of files_ holds a tensor. Empty when there is only one, without an index.
  std::map<std::string, size_t, std::less<>> file_of_;
};

}  // namespace hilo
