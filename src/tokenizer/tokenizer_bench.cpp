// Bytes a second of one thread, the vocabulary warm. HILO_CORPUS names a text file whose lines are
// the texts; without it, the committed package descriptions are used.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "tokenizer/tokenizer.h"

namespace hilo {
namespace {

const std::vector<std::string>& corpus() {
  static const std::vector<std::string> lines = [] {
    const char* path = std::getenv("HILO_CORPUS");
    std::ifstream file(path != nullptr ? path : HILO_SOURCE_DIR "/tests/golden/packages.txt");
    std::vector<std::string> read;
    for (std::string line; std::getline(file, line);) read.push_back(line);
    return read;
  }();
  return lines;
}

void encode_corpus(benchmark::State& state, const EncodeOptions& options) {
  const Tokenizer& tokenizer = Tokenizer::bert_base_uncased();
  TokenizerScratch scratch;
  std::vector<uint32_t> ids(1 << 20);
  int64_t bytes = 0;
  int64_t tokens = 0;
  for (auto _ : state) {
    for (const std::string& text : corpus()) {
      tokens += tokenizer.encode(text, options, scratch, ids).tokens;
      bytes += static_cast<int64_t>(text.size());
    }
  }
  if (bytes == 0) state.SkipWithError("the corpus is empty");
  state.SetBytesProcessed(bytes);
  state.SetItemsProcessed(tokens);
}

void whole_texts(benchmark::State& state) { encode_corpus(state, {}); }
BENCHMARK(whole_texts);

void texts_cut_at_128(benchmark::State& state) { encode_corpus(state, {.tokens_max = 128}); }
BENCHMARK(texts_cut_at_128);

// A long document, of which 256 tokens are kept: the time must not grow with the document.
void head_of_long_text(benchmark::State& state) {
  std::string text;
  while (text.size() < static_cast<size_t>(state.range(0))) {
    for (const std::string& line : corpus()) text += line + '\n';
  }
  text.resize(static_cast<size_t>(state.range(0)));
  TokenizerScratch scratch;
  std::vector<uint32_t> ids(256);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Tokenizer::bert_base_uncased().encode(text, {}, scratch, ids));
  }
}
BENCHMARK(head_of_long_text)->Arg(4 << 10)->Arg(128 << 10);

}  // namespace
}  // namespace hilo
