// Any bytes as text: the one-pass path, the plain reference, and truncation must agree.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/ensure.h"
#include "tokenizer/reference_tokenizer.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_cases.h"

namespace {

using namespace hilo;

// A tokenizer and the plain one of the same description.
struct Pair {
  explicit Pair(const TokenizerDescription& description)
      : fast(Tokenizer::from_description(description).value()), plain(description) {}
  Tokenizer fast;
  ReferenceTokenizer plain;
};

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
