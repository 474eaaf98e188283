#include "model/json_file.h"

#include <cmath>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "model/model_file.h"

namespace hilo {
namespace {

// Walks over a text without building anything, so that a hostile one is refused before it costs
// memory. Each function returns whether to go on.
class JsonGuard final : public nlohmann::json_sax<Json> {
 public:
  const std::string& cause() const { return cause_; }

  bool null() override { return count_value(); }
  bool boolean(bool) override { return count_value(); }
  bool number_integer(number_integer_t) override { return count_value(); }
  bool number_unsigned(number_unsigned_t) override { return count_value(); }
  bool number_float(number_float_t, const string_t&) override { return count_value(); }
  bool string(string_t&) override { return count_value(); }
  bool binary(binary_t&) override { return count_value(); }
  bool start_object(size_t) override { return enter(); }
  bool start_array(size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }

  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    return refuse(fmt::format("gives \"{}\" twice", printable(name)));
  }

  bool parse_error(size_t position, const std::string&, const Json::exception&) override {
    return refuse(fmt::format("is not valid JSON (near byte {})", position));
  }

 private:
  bool refuse(std::string cause) {
    cause_ = std::move(cause);
    return false;
  }
  bool count_value() {
    if (++values_ <= json_values_max) return true;
    return refuse(fmt::format("holds more than {} JSON values", json_values_max));
  }
  bool enter() {
    keys_.emplace_back();
    if (keys_.size() > json_depth_max) {
      return refuse(fmt::format("is nested more than {} deep", json_depth_max));
    }
    return count_value();
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::unordered_set<std::string>> keys_;  // one set for each level that is open
  size_t values_ = 0;
  std::string cause_;
};

std::string shown(const Json& value) {
  // A parsed value holds valid UTF-8 only, yet dump() throws when told to be strict.
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

Result<Json> parse_json(std::string_view text, const std::filesystem::path& path) {
  JsonGuard guard;
  if (!Json::sax_parse(text, &guard)) {
    return file_error(path, guard.cause() + "; fetch the model again");
  }
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  ENSURE(!value.is_discarded());
  return value;
}

Result<Json> read_json_file(const std::filesystem::path& path) {
  const Result<std::string> text = read_file(path, config_bytes_max);
  if (!text) return text.error();
  return parse_json(*text, path);
}

ConfigReader::ConfigReader(const Json& value, std::filesystem::path path)
    : value_(value), path_(std::move(path)) {
  if (!value_.is_object()) fail("must hold a JSON object; fetch the model again");
}

const Json* ConfigReader::find(const char* key) const {
  if (!value_.is_object()) return nullptr;
  const auto member = value_.find(key);
  return member == value_.end() || member->is_null() ? nullptr : &*member;
}

void ConfigReader::fail(std::string_view cause) {
  if (ok()) error_ = file_error(path_, cause);
}

uint32_t ConfigReader::count(const char* key, uint32_t min, uint32_t max,
                             std::optional<uint32_t> fallback) {
  const Json* member = find(key);
  if (member == nullptr) {
    if (!fallback) {
      fail(fmt::format("lacks {}; fetch the model again, or give another model", key));
    }
    return fallback.value_or(min);
  }
  const uint64_t* value = member->get_ptr<const Json::number_unsigned_t*>();
  if (value == nullptr || *value < min || *value > max) {
    fail(fmt::format("{} must be a whole number from {} to {}, but it is {}; give another model",
                     key, min, max, shown(*member)));
    return min;
  }
  return static_cast<uint32_t>(*value);
}

uint32_t ConfigReader::count_clamped(const char* key, uint32_t min, uint32_t max,
                                     uint32_t fallback) {
  const Json* member = find(key);
  if (member != nullptr && member->is_number() && member->get<double>() > max) return max;
  return count(key, min, max, fallback);
}

double ConfigReader::number(const char* key, double min, double max, double fallback) {
  const Json* member = find(key);
  if (member == nullptr) return fallback;
  const double value = member->is_number() ? member->get<double>() : std::nan("");
  if (value >= min && value <= max) return value;
  fail(fmt::format("{} must be a number from {} to {}, but it is {}; give another model", key, min,
                   max, shown(*member)));
  return fallback;
}

bool ConfigReader::flag(const char* key, bool fallback) {
  const Json* member = find(key);
  if (member == nullptr) return fallback;
  if (const bool* value = member->get_ptr<const bool*>()) return *value;
  fail(fmt::format("{} must be true or false, but it is {}; fetch the model again", key,
                   shown(*member)));
  return fallback;
}

std::string ConfigReader::text(const char* key, std::string_view fallback) {
  const Json* member = find(key);
  if (member == nullptr) return std::string{fallback};
  if (const auto* value = member->get_ptr<const Json::string_t*>()) return *value;
  fail(fmt::format("{} must be a text, but it is {}; fetch the model again", key, shown(*member)));
  return std::string{fallback};
}

std::vector<std::string> ConfigReader::texts(const char* key) {
  const Json* member = find(key);
  if (member == nullptr) return {};
  if (!member->is_array()) return {text(key, "")};
  std::vector<std::string> names;
  for (const Json& element : *member) {
    if (const auto* name = element.get_ptr<const Json::string_t*>()) {
      names.push_back(*name);
    } else {
      fail(fmt::format("{} must hold texts only, but it is {}; fetch the model again", key,
                       shown(*member)));
    }
  }
  return names;
}

}  // namespace hilo
