// Any bytes as a compiled vocabulary, as tokenizer.json and as vocab.txt: each is refused, or makes
// a tokenizer that encodes any text within its bounds.
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ensure.h"
#include "tokenizer/description.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/vocabulary.h"

namespace {

using namespace hilo;

constexpr std::string_view sample =
    "Hello, w\xC3\xB6rld! [CLS] \xE4\xB8\xAD\xE6\x96\x87 <x> unaffable \xFF abcabcabc";

void use(const Tokenizer& tokenizer) {
  TokenizerScratch scratch;
  std::vector<uint32_t> ids(256);
  const Encoding encoding = tokenizer.encode(sample, {}, scratch, ids);
  for (const uint32_t id : std::span(ids).first(encoding.tokens)) {
    ENSURE(id < tokenizer.vocabulary_size());
    tokenizer.piece(id);
  }
  tokenizer.encode_pair({sample, sample}, {.tokens_max = 40}, scratch, ids);
}

void use_description(const Result<TokenizerDescription>& description) {
  if (!description) return ENSURE(!description.error().message.empty());
  const Result<Tokenizer> tokenizer = Tokenizer::from_description(*description);
  if (tokenizer) use(tokenizer.value());
}

// A small vocabulary that the input then damages: bytes at random are not often a blob.
const Blob& sound_blob() {
  static const Blob blob = [] {
    TokenizerDescription description =
        describe_vocabulary_text(
            "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n##c\nhello\nworld\n,\n", "vocab.txt", "")
            .value();
    description.add({.content = "<x>", .normalized = true});
    return compile_vocabulary(description).value();
  }();
  return blob;
}

// Three bytes each: a place in the blob's header and the first units, and what to put there.
void damage(std::span<std::byte> blob, std::span<const uint8_t> input) {
  for (size_t at = 0; at + 3 <= input.size(); at += 3) {
    const size_t place = (input[at] * 256U + input[at + 1]) % blob.size();
    blob[place] = static_cast<std::byte>(input[at + 2]);
  }
}

void use_blob(const Blob& blob) {
  const Result<Tokenizer> tokenizer = Tokenizer::from_compiled(blob.bytes());
  if (tokenizer) use(tokenizer.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> input(data + 1, size - 1);
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  switch (data[0] % 4) {
    case 0:
      use_blob(Blob::copy_of(std::as_bytes(input)));
      break;
    case 1: {
      Blob blob = sound_blob();
      damage(blob.bytes(), input);
      use_blob(blob);
      break;
    }
    case 2:
      use_description(describe_tokenizer_json(text, "tokenizer.json"));
      break;
    default:
      use_description(describe_vocabulary_text(text, "vocab.txt", ""));
      break;
  }
  return 0;
}
