// Unigram and byte-level BPE with any bytes: as text, as a character map of Precompiled, and as
// damage to a compiled vocabulary. Each is refused or stays within its bounds, and what is cut off
// a text does not change what stays.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ensure.h"
#include "tokenizer/precompiled.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_cases.h"
#include "tokenizer/vocabulary.h"

namespace {

using namespace hilo;

constexpr std::string_view sample =
    "Hello, w\xC3\xB6rld! <s> \xE4\xB8\xAD\xE6\x96\x87 e\xCC\x81\xCC\xB0 \xEF\xAC\x83 don't 123 "
    "\xFF";

struct Model {
  explicit Model(const char* name)
      : blob(compile_vocabulary(
                 describe_tokenizer_json(
                     cases::read_source_file(std::string("tests/golden/subwords/") + name), name)
                     .value())
                 .value()),
        tokenizer(Tokenizer::from_compiled(std::as_const(blob).bytes()).value()) {}
  Blob blob;
  Tokenizer tokenizer;
};

std::vector<uint32_t> encode(const Tokenizer& tokenizer, std::string_view text,
                             const EncodeOptions& options) {
  static TokenizerScratch scratch;
  std::vector<uint32_t> ids;
  const Encoding encoding = encode_all(text.size() + 4, options.tokens_max, [&](size_t room) {
    ids.resize(room);
    return tokenizer.encode(text, options, scratch, ids);
  });
  ids.resize(encoding.tokens);
  for (const uint32_t id : ids) ENSURE(id < tokenizer.vocabulary_size());
  return ids;
}

void use_text(const Tokenizer& tokenizer, std::string_view text, uint32_t kept) {
  const std::vector<uint32_t> all = encode(tokenizer, text, {.add_special_tokens = false});
  const std::vector<uint32_t> cached = encode(tokenizer, text, {.add_special_tokens = false});
  ENSURE(all == cached);
  const std::vector<uint32_t> head =
      encode(tokenizer, text, {.tokens_max = kept, .add_special_tokens = false});
  ENSURE(head.size() == std::min<size_t>(kept, all.size()));
  ENSURE(std::equal(head.begin(), head.end(), all.begin()));
  const std::vector<uint32_t> tail = encode(
      tokenizer, text, {.tokens_max = kept, .add_special_tokens = false, .truncate_left = true});
  ENSURE(tail.size() == head.size());
  ENSURE(std::equal(tail.rbegin(), tail.rend(), all.rbegin()));
}

// Three bytes each: a place in the blob, and what to put there.
void use_damaged(const Blob& sound, std::span<const uint8_t> input) {
  Blob blob = sound;
  for (size_t at = 0; at + 3 <= input.size(); at += 3) {
    const size_t place = (input[at] * 256U + input[at + 1]) % blob.bytes().size();
    blob.bytes()[place] = static_cast<std::byte>(input[at + 2]);
  }
  const Result<Tokenizer> tokenizer = Tokenizer::from_compiled(std::as_const(blob).bytes());
  if (!tokenizer) return ENSURE(!tokenizer.error().message.empty());
  encode(tokenizer.value(), sample, {.tokens_max = 64});
}

void use_map(std::span<const uint8_t> input) {
  const Result<Precompiled> map = Precompiled::open(std::as_bytes(input));
  if (!map) return ENSURE(!map.error().message.empty());
  AlignedBuffer valid;
  AlignedBuffer written;
  const AlignedView text = to_valid_utf8(sample, true, valid);
  Rewriter normalized(text, written);
  map->normalize(text.text, normalized);
  ENSURE(written.text.size() <= text.text.size() * std::max<size_t>(1, map->growth_max()));
  ENSURE(written.sources.size() == written.text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Model models[] = {Model("xlm_roberta.json"), Model("byte_fallback.json"),
                                 Model("roberta.json"), Model("qwen2.json"), Model("llama3.json")};
  if (size < 2) return 0;
  const std::span<const uint8_t> input(data + 2, size - 2);
  const Model& model = models[data[1] % std::size(models)];
  switch (data[0] % 4) {
    case 0:
      use_damaged(model.blob, input);
      break;
    case 1:
      use_map(input);
      break;
    default:
      use_text(model.tokenizer, {reinterpret_cast<const char*>(input.data()), input.size()},
               data[0] / 4 % 32 + 1U);
      break;
  }
  return 0;
}
