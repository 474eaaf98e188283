#include "model/tensor_store.h"

#include <utility>

#include <fmt/format.h>

#include "model/json_file.h"
#include "model/model_file.h"

namespace hilo {
namespace {

Error no_weights(const std::filesystem::path& directory) {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (!file_exists(directory / name)) continue;
    const std::string shown = printable(directory.native());
    return file_error(
        directory / name,
        fmt::format("is a pickle, which can run any code when it is read, and there is no "
                    "model.safetensors; convert it where you trust it: python -c \"from "
                    "transformers import AutoModel; "
                    "AutoModel.from_pretrained('{}').save_pretrained('{}')\"",
                    shown, shown));
  }
  return file_error(directory / "model.safetensors",
                    "there is no such file; give a Hugging Face model directory with its weights "
                    "in safetensors files");
}

// A shard lies beside its index. Any other place could be a file that is none of the model's.
bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos && name != "." && name != "..";
}

}  // namespace

Result<TensorStore> TensorStore::open(const std::filesystem::path& directory) {
  const std::filesystem::path single = directory / "model.safetensors";
  const std::filesystem::path index = directory / "model.safetensors.index.json";
  if (!file_exists(single) && !file_exists(index)) return no_weights(directory);
  if (!file_exists(single)) {
    TensorStore store{index};
    if (const Status shards = store.open_shards(directory); !shards) return shards.error();
    return store;
  }
  TensorStore store{single};
  Result<SafetensorsFile> file = SafetensorsFile::open(single);
  if (!file) return file.error();
  store.files_.push_back(*std::move(file));
  return store;
}

Status TensorStore::open_shards(const std::filesystem::path& directory) {
  const Result<Json> index = read_json_file(path_);
  if (!index) return index.error();
  const auto map = index->is_object() ? index->find("weight_map") : index->end();
  if (map == index->end() || !map->is_object()) {
    return file_error(path_, "lacks weight_map, the list of tensors; fetch the model again");
  }
  std::map<std::string, size_t> opened;
  for (const auto& [tensor, value] : map->items()) {
    const auto* name = value.get_ptr<const Json::string_t*>();
    if (name == nullptr || !is_plain_file_name(*name)) {
      return file_error(path_, fmt::format("places tensor {} in something other than a file of its "
                                           "directory; fetch the model again",
                                           printable(tensor)));
    }
    const auto [shard, is_new] = opened.try_emplace(*name, files_.size());
    if (is_new) {
      if (files_.size() == shards_max) {
        return file_error(path_, fmt::format("names more than {} files; merge them with "
                                             "save_pretrained()",
                                             shards_max));
      }
      Result<SafetensorsFile> file = SafetensorsFile::open(directory / *name);
      if (!file) return file.error();
      files_.push_back(*std::move(file));
    }
    if (files_[shard->second].find(tensor) == nullptr) {
      return file_error(directory / *name,
                        fmt::format("lacks tensor {}, which {} places there; "
                                    "fetch the model again",
                                    printable(tensor), path_.filename().native()));
    }
    file_of_.emplace(tensor, shard->second);
  }
  return {};
}

const StoredTensor* TensorStore::find(std::string_view name) const {
  if (file_of_.empty()) return files_.empty() ? nullptr : files_.front().find(name);
  const auto place = file_of_.find(name);
  return place == file_of_.end() ? nullptr : files_[place->second].find(name);
}

Status TensorStore::check_unchanged() const {
  for (const SafetensorsFile& file : files_) {
    if (Status status = file.file().check_unchanged(); !status) return status;
  }
  return {};
}

}  // namespace hilo
