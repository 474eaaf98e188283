// JSON of a model directory, read as untrusted input: bounded in size, nesting and number of
// values, and a key given twice is refused, because two programs could read it in two ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace hilo {

inline constexpr size_t config_bytes_max = size_t{16} << 20;
inline constexpr size_t json_depth_max = 32;
inline constexpr size_t json_values_max = 1'000'000;

using Json = nlohmann::json;

// `path` is for error messages. The value is an object, an array, or whatever the text holds.
Result<Json> parse_json(std::string_view text, const std::filesystem::path& path);

// A configuration file of at most config_bytes_max bytes.
Result<Json> read_json_file(const std::filesystem::path& path);

// Reads members of an object by name and type. The first error sticks and later reads return their
// fallback, so that a caller reads everything it wants and then asks once. A member that is null
// counts as absent, as it does for the Python libraries that write these files.
class ConfigReader {
 public:
  // A `value` that is no object is the first error. It must outlive the reader.
  ConfigReader(const Json& value, std::filesystem::path path);

  bool has(const char* key) const { return find(key) != nullptr; }
  // A whole number within the range; without a fallback the key must be there.
  uint32_t count(const char* key, uint32_t min, uint32_t max,
                 std::optional<uint32_t> fallback = std::nullopt);
  // Like count(), but a number above `max`, however large, reads as `max`.
  uint32_t count_clamped(const char* key, uint32_t min, uint32_t max, uint32_t fallback);
  double number(const char* key, double min, double max, double fallback);
  bool flag(const char* key, bool fallback);
  std::string text(const char* key, std::string_view fallback);
  // The names in a member that holds one string or a list of strings; empty when it is absent.
  std::vector<std::string> texts(const char* key);

  void fail(std::string_view cause);
  bool ok() const { return !error_.has_value(); }
  Error error() const { return *error_; }

 private:
  const Json* find(const char* key) const;

  const Json& value_;
  std::filesystem::path path_;
  std::optional<Error> error_;
};

}  // namespace hilo
