// One thread, text to ids: bytes a second of a corpus, the cache cold and warm, and the time of one
// text by its length. bench/tokenizer.py runs it beside a rival.
#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "support/report.h"

namespace hilo {
namespace {

using Json = nlohmann::json;

constexpr std::array<uint32_t, 3> lengths = {16, 128, 512};
constexpr size_t texts_of_a_length = 400;

class Meter {
 public:
  Meter(std::vector<std::string> texts, const Tokenizer& tokenizer)
      : texts_(std::move(texts)), tokenizer_(tokenizer) {
    for (const std::string& text : texts_) bytes_ += text.size();
  }

  // Seconds of a pass over all texts.
  double pass(TokenizerScratch& scratch, std::span<TokenOffsets> offsets = {}) {
    const Instant began = monotonic_now();
    tokens_ = 0;
    for (const std::string& text : texts_) {
      tokens_ += tokenizer_.encode(text, {}, scratch, ids_, {}, offsets).tokens;
    }
    return static_cast<double>(monotonic_now() - began) / second_ns;
  }

  Json figures() {
    std::vector<double> cold;
    std::vector<double> warm;
    std::vector<double> with_offsets;
    std::vector<TokenOffsets> offsets(ids_.size());
    for (int round = 0; round < 5; ++round) {
      TokenizerScratch scratch;
      cold.push_back(pass(scratch));
      for (int again = 0; again < 3; ++again) warm.push_back(pass(scratch));
      with_offsets.push_back(pass(scratch, offsets));
    }
    const auto rate = [this](std::vector<double>& seconds) {
      return static_cast<double>(bytes_) / 1e6 / median(seconds);
    };
    return {{"bytes", bytes_},
            {"tokens", tokens_},
            {"cold_mb_s", rate(cold)},
            {"warm_mb_s", rate(warm)},
            {"offsets_mb_s", rate(with_offsets)},
            {"warm_ns_per_token", median(warm) * 1e9 / static_cast<double>(tokens_)},
            {"texts", by_length()}};
  }

 private:
  static double median(std::vector<double>& values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
  }

  // The time of a text that fills `tokens` tokens or nearly, in microseconds.
  Json by_length() {
    Json figures;
    for (const uint32_t tokens : lengths) {
      const std::vector<std::string> texts = texts_of(tokens);
      TokenizerScratch warm;
      std::vector<double> cold_us;
      std::vector<double> warm_us;
      for (const std::string& text : texts) encode_us(text, warm);
      for (const std::string& text : texts) {
        TokenizerScratch scratch;
        cold_us.push_back(encode_us(text, scratch));
        warm_us.push_back(encode_us(text, warm));
      }
      figures[std::to_string(tokens)] = {{"cold", quantiles(cold_us)},
                                         {"warm", quantiles(warm_us)}};
    }
    return figures;
  }

  std::vector<std::string> texts_of(uint32_t tokens) {
    std::vector<std::string> made;
    std::string text;
    TokenizerScratch scratch;
    for (size_t at = 0; made.size() < texts_of_a_length; at = (at + 1) % texts_.size()) {
      text += texts_[at] + ' ';
      std::vector<TokenOffsets> offsets(tokens);
      const auto room = std::span(ids_).first(tokens);
      if (!tokenizer_.encode(text, {}, scratch, room, {}, offsets).truncated) continue;
      text.resize(offsets[tokens - 2].end);
      made.push_back(std::move(text));
      text.clear();
    }
    return made;
  }

  double encode_us(const std::string& text, TokenizerScratch& scratch) {
    const Instant began = monotonic_now();
    tokenizer_.encode(text, {}, scratch, ids_);
    return static_cast<double>(monotonic_now() - began) / microsecond_ns;
  }

  static Json quantiles(std::vector<double>& values) {
    std::ranges::sort(values);
    return {{"p50_us", values[values.size() / 2]}, {"p99_us", values[values.size() * 99 / 100]}};
  }

  std::vector<std::string> texts_;
  const Tokenizer& tokenizer_;
  std::vector<uint32_t> ids_ = std::vector<uint32_t>(1 << 20);
  size_t bytes_ = 0;
  size_t tokens_ = 0;
};

Result<std::vector<std::string>> read_texts(const std::string& path, size_t bytes_max) {
  std::vector<std::string> texts;
  std::ifstream file(path);
  size_t bytes = 0;
  for (std::string line; bytes < bytes_max && std::getline(file, line);) {
    bytes += line.size();
    if (!line.empty()) texts.push_back(line);
  }
  if (texts.empty()) return Error{path + " holds no texts"};
  return texts;
}

}  // namespace
}  // namespace hilo

int main(int argc, char** argv) {
  std::string path;
  std::string model;
  // So much text is enough, and a corpus of one language must not take longer than another.
  size_t bytes_max = 2 << 20;
  std::string json_path;
  CLI::App app{"Tokenizer, one thread: a corpus of one text a line"};
  app.add_option("corpus", path, "Its file")->required();
  app.add_option("--model", model,
                 "Model directory whose tokenizer is used, else the built-in one");
  app.add_option("--bytes", bytes_max, "So much of the corpus");
  hilo::add_json_option(app, json_path);
  CLI11_PARSE(app, argc, argv);
  auto texts = hilo::read_texts(path, bytes_max);
  if (!texts) return hilo::finish_benchmark(texts.error(), json_path, {});
  std::optional<hilo::Tokenizer> own;
  if (!model.empty()) {
    auto opened = hilo::Tokenizer::from_directory(model);
    if (!opened) return hilo::finish_benchmark(opened.error(), json_path, {});
    own = std::move(*opened);
  }
  const hilo::Tokenizer& tokenizer = own ? *own : hilo::Tokenizer::bert_base_uncased();
  const nlohmann::json figures = hilo::Meter(std::move(*texts), tokenizer).figures();
  return hilo::finish_benchmark({}, json_path, figures);
}
