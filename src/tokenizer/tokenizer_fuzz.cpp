// Any bytes as text: the plain reference, the words one at a time, each fast path with its cache,
// and truncation must agree.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ensure.h"
#include "tokenizer/reference_tokenizer.h"
#include "tokenizer/splitters_test_support.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_cases.h"
#include "tokenizer/word_encoder.h"
#include "tokenizer/words.h"

namespace {

using namespace hilo;

// All that can tokenize by one description.
struct Pair {
  explicit Pair(const TokenizerDescription& description)
      : fast(Tokenizer::from_description(description).value()),
        plain(description),
        blob(compile_vocabulary(description).value()),
        vocabulary(Vocabulary::open(blob.bytes()).value()),
        normalizer(vocabulary.normalizer_options()) {
    for (const NamedSplitter& splitter : splitters_of_this_machine()) {
      paths.emplace_back(vocabulary, vocabulary.normalizer_options(), splitter.split);
    }
  }
  Tokenizer fast;
  ReferenceTokenizer plain;
  Blob blob;
  Vocabulary vocabulary;
  Normalizer normalizer;
  std::vector<WordEncoder> paths;
};

void check_paths(const Pair& pair, std::string_view text, const std::vector<uint32_t>& expected) {
  static WordScratch scratch;
  static TokenBuffer tokens;
  tokens.start(text.size() + 1);
  append_words(pair.vocabulary, pair.normalizer, text, scratch.word, tokens);
  ENSURE(std::ranges::equal(tokens.ids(), expected));
  for (const WordEncoder& path : pair.paths) {
    tokens.start(text.size() + 1);
    path.append(text, scratch, tokens);
    ENSURE(std::ranges::equal(tokens.ids(), expected));
  }
}

std::vector<uint32_t> encode(const Tokenizer& tokenizer, std::string_view text,
                             EncodeOptions options) {
  static TokenizerScratch scratch;
  std::vector<uint32_t> ids(text.size() + 3);
  options.match_special_tokens = false;
  ids.resize(tokenizer.encode(text, options, scratch, ids).tokens);
  return ids;
}

void check(const Pair& pair, std::string_view text, uint32_t kept) {
  const std::vector<uint32_t> all = encode(pair.fast, text, {.add_special_tokens = false});
  ENSURE(all == pair.plain.encode(text));
  check_paths(pair, text, all);
  const std::vector<uint32_t> head =
      encode(pair.fast, text, {.tokens_max = kept, .add_special_tokens = false});
  ENSURE(head.size() == std::min<size_t>(kept, all.size()));
  ENSURE(std::equal(head.begin(), head.end(), all.begin()));
  const std::vector<uint32_t> tail = encode(
      pair.fast, text, {.tokens_max = kept, .add_special_tokens = false, .truncate_left = true});
  ENSURE(tail.size() == head.size());
  ENSURE(std::equal(tail.rbegin(), tail.rend(), all.rbegin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Pair stock(cases::bert_description());
  static const Pair alphabet[] = {
      Pair(cases::alphabet_description(15)), Pair(cases::alphabet_description(3)),
      Pair(cases::alphabet_description(4)), Pair(cases::alphabet_description(8))};
  static const Tokenizer added =
      Tokenizer::from_description(cases::added_tokens_description()).value();
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const uint32_t kept = data[0] % 32 + 1U;
  check(stock, text, kept);
  check(alphabet[data[1] % std::size(alphabet)], text, kept);
  encode(added, text, {});
  return 0;
}
