#include "model/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "model/json_file.h"

namespace hilo {
namespace {

static_assert(std::endian::native == std::endian::little);  // as the format is

// Bytes of an element. A type that is not listed (newer than this code, or smaller than a byte) may
// be in a file as long as nobody asks for its tensors; its size cannot be checked.
std::optional<uint64_t> element_bytes(std::string_view type) {
  struct Entry {
    std::string_view type;
    uint64_t bytes;
  };
  static constexpr std::array<Entry, 15> entries{{{"F32", 4},
                                                  {"F16", 2},
                                                  {"BF16", 2},
                                                  {"F64", 8},
                                                  {"I64", 8},
                                                  {"U64", 8},
                                                  {"I32", 4},
                                                  {"U32", 4},
                                                  {"I16", 2},
                                                  {"U16", 2},
                                                  {"I8", 1},
                                                  {"U8", 1},
                                                  {"BOOL", 1},
                                                  {"F8_E4M3", 1},
                                                  {"F8_E5M2", 1}}};
  const auto* entry = std::ranges::find(entries, type, &Entry::type);
  return entry == entries.end() ? std::nullopt : std::optional{entry->bytes};
}

// The product of a shape and an element's size, unless it overflows.
std::optional<uint64_t> shape_bytes(std::span<const uint64_t> shape, uint64_t bytes) {
  for (const uint64_t size : shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;
  }
  return bytes;
}

// A list of whole numbers, or nothing if it is anything else.
std::optional<std::vector<uint64_t>> whole_numbers(const Json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<uint64_t> numbers;
  for (const Json& element : value) {
    const auto* number = element.get_ptr<const Json::number_unsigned_t*>();
    if (number == nullptr) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

// The members of one tensor's entry, or in words what is wrong with it.
Result<StoredTensor, std::string> read_entry(const Json& entry, std::span<const std::byte> data) {
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    if (!entry.is_object() || !entry.contains(key)) return fmt::format("lacks {}", key);
  }
  const auto* type = entry["dtype"].get_ptr<const Json::string_t*>();
  if (type == nullptr) return std::string{"has a dtype that is not a text"};
  const auto shape = whole_numbers(entry["shape"]);
  if (!shape) return std::string{"has a shape that is not a list of whole numbers"};
  const auto offsets = whole_numbers(entry["data_offsets"]);
  if (!offsets || offsets->size() != 2) {
    return std::string{"has data_offsets that are not two whole numbers"};
  }

  const uint64_t begin = (*offsets)[0];
  const uint64_t end = (*offsets)[1];
  if (begin > end) return fmt::format("begins at {}, behind its end at {}", begin, end);
  if (end > data.size()) {
    return fmt::format("ends at {}, but the file has only {} bytes of tensors", end, data.size());
  }
  if (const auto bytes = element_bytes(*type)) {
    const auto wanted = shape_bytes(*shape, *bytes);
    if (!wanted) return std::string{"has a shape too large for any file"};
    if (*wanted != end - begin) {
      return fmt::format("has {} bytes where its shape takes {}", end - begin, *wanted);
    }
  }
  return StoredTensor{*type, *shape, data.subspan(begin, end - begin)};
}

// Tensors must follow each other without a hole from the first byte of data to the last: then none
// overlaps another, and no byte is hidden in between.
Status check_layout(const StoredTensors& tensors, std::span<const std::byte> data,
                    const std::filesystem::path& path) {
  std::vector<const StoredTensors::value_type*> by_place;
  for (const auto& tensor : tensors) by_place.push_back(&tensor);
  // An empty tensor sorts before the one that begins at the same byte.
  std::ranges::sort(by_place, {}, [](const auto* tensor) {
    return std::pair{tensor->second.bytes.data(), tensor->second.bytes.size()};
  });
  const std::byte* expected = data.data();
  for (const auto* tensor : by_place) {
    const std::span<const std::byte> bytes = tensor->second.bytes;
    if (bytes.data() != expected) {
      return file_error(path,
                        fmt::format("tensor {} {}; fetch the model again", printable(tensor->first),
                                    bytes.data() < expected ? "overlaps another tensor"
                                                            : "follows after unused bytes"));
    }
    expected += bytes.size();
  }
  if (expected != data.data() + data.size()) {
    return file_error(path, fmt::format("has {} bytes after its last tensor; fetch the model again",
                                        data.data() + data.size() - expected));
  }
  return {};
}

}  // namespace

Result<StoredTensors> parse_safetensors(std::span<const std::byte> file,
                                        const std::filesystem::path& path) {
  uint64_t header_bytes = 0;
  if (file.size() < sizeof header_bytes) {
    return file_error(path, fmt::format("has only {} bytes; fetch the model again", file.size()));
  }
  std::memcpy(&header_bytes, file.data(), sizeof header_bytes);
  const std::span<const std::byte> rest = file.subspan(sizeof header_bytes);
  if (header_bytes > safetensors_header_bytes_max || header_bytes > rest.size()) {
    return file_error(path, fmt::format("claims a header of {} bytes, but {} bytes follow and {} "
                                        "are the limit; it is no safetensors file, or it was cut: "
                                        "fetch the model again",
                                        header_bytes, rest.size(), safetensors_header_bytes_max));
  }
  const auto* text = reinterpret_cast<const char*>(rest.data());
  const std::span<const std::byte> data = rest.subspan(header_bytes);
  const Result<Json> header = parse_json({text, header_bytes}, path);
  if (!header) return header.error();
  if (!header->is_object()) {
    return file_error(path, "has a header that is not a JSON object; fetch the model again");
  }

  StoredTensors tensors;
  for (const auto& [name, entry] : header->items()) {
    if (name == "__metadata__") continue;
    Result<StoredTensor, std::string> tensor = read_entry(entry, data);
    if (!tensor) {
      return file_error(path, fmt::format("tensor {} {}; fetch the model again", printable(name),
                                          tensor.error()));
    }
    tensors.emplace(name, *std::move(tensor));
  }
  if (const Status layout = check_layout(tensors, data, path); !layout) return layout.error();
  return tensors;
}

SafetensorsFile::SafetensorsFile(MappedFile file, StoredTensors tensors)
    : file_(std::move(file)), tensors_(std::move(tensors)) {}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  Result<MappedFile> file = MappedFile::map(path);
  if (!file) return file.error();
  Result<StoredTensors> tensors = parse_safetensors(file->bytes(), path);
  if (!tensors) return tensors.error();
  return SafetensorsFile{*std::move(file), *std::move(tensors)};
}

const StoredTensor* SafetensorsFile::find(std::string_view name) const {
  const auto tensor = tensors_.find(name);
  return tensor == tensors_.end() ? nullptr : &tensor->second;
}

}  // namespace hilo
