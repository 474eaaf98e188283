#include "http/api_keys.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/log.h"

namespace hilo::http {
namespace {

constexpr size_t keys_max = 1000;
constexpr size_t file_bytes_max = 1 << 20;
// A shorter one can be guessed.
constexpr size_t key_bytes_min = 16;
constexpr size_t key_bytes_max = 512;
constexpr std::string_view hash_prefix = "sha256:";

// The next word, cut off the line; empty at its end.
std::string_view take_word(std::string_view& line) {
  constexpr std::string_view blanks = " \t\r";
  const size_t begin = std::min(line.find_first_not_of(blanks), line.size());
  const size_t end = std::min(line.find_first_of(blanks, begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

bool is_visible(char c) { return c > ' ' && c < 127; }

}  // namespace

ApiKeys::Hash ApiKeys::hash_of(std::string_view key) {
  Hash hash;
  ::SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), hash.data());
  return hash;
}

Result<ApiKeys::Hash> ApiKeys::parse_key(std::string_view word) {
  if (!word.starts_with(hash_prefix)) {
    if (word.size() < key_bytes_min || word.size() > key_bytes_max ||
        !std::ranges::all_of(word, is_visible))
      return Error{fmt::format("a key has from {} to {} visible ASCII characters", key_bytes_min,
                               key_bytes_max)};
    return hash_of(word);
  }
  word.remove_prefix(hash_prefix.size());
  Hash hash;
  bool valid = word.size() == 2 * hash.size();
  for (size_t i = 0; valid && i < hash.size(); ++i) {
    const char* const first = word.data() + 2 * i;
    const auto [end, error] = std::from_chars(first, first + 2, hash[i], 16);
    valid = error == std::errc{} && end == first + 2;
  }
  if (!valid) return Error{"sha256: is followed by 64 hexadecimal digits"};
  return hash;
}

Result<ApiKeys::Key> ApiKeys::parse_line(std::string_view line, LaneWish otherwise) {
  const auto hash = parse_key(take_word(line));
  if (!hash) return hash.error();
  Key key{.hash = *hash, .caller = {}};
  std::optional<LaneWish> lane;
  std::optional<LaneWish> lane_max;
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    const size_t mark = word.find('=');
    const auto wish = lane_wish_of(word.substr(std::min(mark + 1, word.size())));
    const std::string_view name = word.substr(0, mark);
    if (mark == std::string_view::npos && key.caller.name.empty())
      key.caller.name = word;
    else if (name == "lane" && wish && !lane)
      lane = wish;
    else if (name == "max" && wish && *wish != LaneWish::automatic && !lane_max)
      lane_max = wish;
    else
      return Error{
          "behind a key may be one name, lane=high, lane=low or lane=auto, and max=high or "
          "max=low"};
  }
  if (lane_max == LaneWish::low) key.caller.lanes.lane_max = Lane::low;
  if (lane == LaneWish::high && lane_max == LaneWish::low)
    return Error{"lane=high is above max=low"};
  // Whoever may not use HIGH gets LOW without asking, whatever others get.
  key.caller.lanes.otherwise = lane.value_or(lane_max == LaneWish::low ? LaneWish::low : otherwise);
  return key;
}

Result<ApiKeys> ApiKeys::parse(std::string_view text, LaneWish otherwise) {
  ApiKeys keys;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    std::string_view rest = line;
    if (take_word(rest).empty()) continue;
    auto key = parse_line(line, otherwise);
    if (!key) return Error{fmt::format("line {}: {}", number, key.error().message)};
    if (std::ranges::any_of(keys.keys_, [&](const Key& other) { return other.hash == key->hash; }))
      return Error{fmt::format("line {}: this key has been there before", number)};
    if (keys.keys_.size() == keys_max)
      return Error{fmt::format("line {}: {} keys fit", number, keys_max)};
    keys.keys_.push_back(std::move(*key));
  }
  if (keys.keys_.empty()) return Error{"there is no key in it"};
  return keys;
}

Result<ApiKeys> ApiKeys::read(const std::string& path, LaneWish otherwise) {
  std::ifstream file{path, std::ios::binary};
  struct stat about {};
  if (!file || ::stat(path.c_str(), &about) != 0)
    return Error{fmt::format("The API keys {} cannot be read: {}.", path, std::strerror(errno))};
  if (about.st_size > static_cast<off_t>(file_bytes_max))
    return Error{fmt::format("The API keys {} have more than {} bytes.", path, file_bytes_max)};
  if ((about.st_mode & S_IROTH) != 0)
    log_warning(fmt::format("everybody on this machine can read the API keys {}: chmod o-r", path));
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  auto keys = parse(text, otherwise);
  if (!keys) return Error{fmt::format("The API keys {}: {}.", path, keys.error().message)};
  return keys;
}

const Caller* ApiKeys::find(std::string_view key) const {
  const Hash hash = hash_of(key);
  const Caller* found = nullptr;
  for (const Key& known : keys_)
    if (::CRYPTO_memcmp(known.hash.data(), hash.data(), hash.size()) == 0) found = &known.caller;
  return found;
}

}  // namespace hilo::http
