#include "tokenizer/description.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace hilo {

namespace {

constexpr uint64_t file_bytes_max = 256U << 20;

}  // namespace

std::optional<uint32_t> TokenizerDescription::id_of(std::string_view content) const {
  for (const AddedToken& token : added) {
    if (token.content == content) return token.id;
  }
  const Piece* piece = pieces.find(content);
  if (piece == nullptr) return std::nullopt;
  return piece->id;
}

void TokenizerDescription::add(AddedToken token) {
  if (token.content.empty()) return;
  const auto known = std::find_if(added.begin(), added.end(), [&](const AddedToken& other) {
    return other.content == token.content;
  });
  if (known != added.end()) {
    token.id = known->id;
    *known = std::move(token);
    return;
  }
  if (const Piece* piece = pieces.find(token.content)) {
    token.id = piece->id;
  } else {
    auto next = static_cast<uint32_t>(pieces.size());
    for (const AddedToken& other : added) next = std::max(next, other.id + 1);
    token.id = next;
  }
  added.push_back(std::move(token));
}

void TokenizerDescription::use_bert_template(uint32_t cls, uint32_t sep) {
  single = {{cls, 0}, {TemplateItem::first_text, 0}, {sep, 0}};
  pair = single;
  pair.push_back({TemplateItem::second_text, 1});
  pair.push_back({sep, 1});
}

void TokenizerDescription::use_roberta_template(uint32_t cls, uint32_t sep) {
  single = {{cls, 0}, {TemplateItem::first_text, 0}, {sep, 0}};
  pair = single;
  pair.insert(pair.end(), {{sep, 0}, {TemplateItem::second_text, 0}, {sep, 0}});
}

// As FNV-1a, but eight bytes a step, and four steps at once that do not wait for each other: a
// tokenizer.json may have 17 MB.
uint64_t hash_of_source(std::string_view text) {
  std::array<uint64_t, 4> lanes = {0xCBF29CE484222325 ^ text.size(), 1, 2, 3};
  const auto mix = [](uint64_t& lane, uint64_t word) {
    lane = std::rotl((lane ^ word) * 0x9E3779B97F4A7C15, 29);
  };
  while (text.size() >= sizeof(lanes)) {
    std::array<uint64_t, lanes.size()> words;
    std::memcpy(words.data(), text.data(), sizeof(words));
    for (size_t lane = 0; lane < lanes.size(); ++lane) mix(lanes[lane], words[lane]);
    text.remove_prefix(sizeof(words));
  }
  for (const char byte : text) mix(lanes[0], static_cast<uint8_t>(byte));
  for (size_t lane = 1; lane < lanes.size(); ++lane) mix(lanes[0], lanes[lane]);
  return lanes[0];
}

Result<std::string> read_text_file(const std::filesystem::path& path) {
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return Error{fmt::format("cannot read {}: {}", path.string(), error.message())};
  if (bytes > file_bytes_max) {
    return Error{
        fmt::format("{} has {} bytes, more than a tokenizer can need", path.string(), bytes)};
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<size_t>(bytes), '\0');
  file.read(text.data(), static_cast<std::streamsize>(bytes));
  if (!file) return Error{fmt::format("cannot read {}: it ended early", path.string())};
  return text;
}

Result<TokenizerDescription> describe_directory(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::path json = directory / "tokenizer.json";
  if (std::filesystem::exists(json, error)) {
    const Result<std::string> text = read_text_file(json);
    if (!text) return text.error();
    return describe_tokenizer_json(text.value(), json.string());
  }
  const std::filesystem::path vocabulary = directory / "vocab.txt";
  if (!std::filesystem::exists(vocabulary, error)) {
    return Error{
        fmt::format("{} has neither tokenizer.json nor vocab.txt: give the directory of a "
                    "Hugging Face model",
                    directory.string())};
  }
  const Result<std::string> text = read_text_file(vocabulary);
  if (!text) return text.error();
  std::string config;
  const std::filesystem::path config_path = directory / "tokenizer_config.json";
  if (std::filesystem::exists(config_path, error)) {
    Result<std::string> config_text = read_text_file(config_path);
    if (!config_text) return config_text.error();
    config = std::move(config_text).value();
  }
  return describe_vocabulary_text(text.value(), vocabulary.string(), config);
}

}  // namespace hilo
