#include "tokenizer/subwords.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

// A key is read from more bytes than the word may have; where they end, from a copy.
WordCache::Key key_of(std::string_view word, const char* readable_end) {
  if (static_cast<size_t>(readable_end - word.data()) >= WordCache::bytes_read)
    return WordCache::key_of(word.data(), word.size());
  std::array<char, WordCache::bytes_read> padded{};
  std::copy(word.begin(), word.end(), padded.begin());
  return WordCache::key_of(padded.data(), word.size());
}

uint64_t next_owner() {
  static std::atomic<uint64_t> owners{0};
  return 1 + owners.fetch_add(1, std::memory_order_relaxed);  // Only has to differ.
}

}  // namespace

Result<Subwords> Subwords::open(const Vocabulary& vocabulary) {
  Result<NormalizerSequence> normalizer = NormalizerSequence::open(vocabulary.family_parts());
  if (!normalizer) return normalizer.error();
  return Subwords(vocabulary, std::move(normalizer).value());
}

Subwords::Subwords(const Vocabulary& vocabulary, NormalizerSequence normalizer)
    : family_(vocabulary.family()),
      owner_(next_owner()),
      normalizer_(std::move(normalizer)),
      add_prefix_space_(vocabulary.family_parts().options.add_prefix_space != 0),
      metaspace_(pre_tokenizer_of(vocabulary.family_parts().options)),
      splitter_(pre_tokenizer_of(vocabulary.family_parts().options).pattern),
      unigram_(vocabulary),
      bpe_(vocabulary) {}

void Subwords::append(NormalizedView text, SubwordScratch& scratch, TokenBuffer& tokens) const {
  if (text.text.empty()) return;
  scratch.cache.serve(owner_);
  if (family_ == TokenizerFamily::unigram) {
    metaspace_.for_each_word(text.text, text.from_first, scratch.word, [&](std::string_view word) {
      append_word(word, word.data() + word.size(), scratch, tokens);
      return !tokens.is_over();
    });
    return;
  }
  std::string_view rest = text.text;
  if (add_prefix_space_ && !rest.starts_with(' ')) {
    scratch.word = ' ';
    scratch.word += rest;
    rest = scratch.word;
  }
  while (!rest.empty() && !tokens.is_over()) {
    const size_t bytes = splitter_.word_bytes(rest);
    append_word(rest.substr(0, bytes), rest.data() + rest.size(), scratch, tokens);
    rest.remove_prefix(bytes);
  }
}

void Subwords::append_word(std::string_view word, const char* readable_end, SubwordScratch& scratch,
                           TokenBuffer& tokens) const {
  if (word.size() > WordCache::word_bytes_max) return append_with_model(word, scratch, tokens);
  const WordCache::Key key = key_of(word, readable_end);
  const auto bucket = scratch.cache.bucket_of(key);
  const size_t known = scratch.cache.find(key, bucket, tokens.room_for(WordCache::ids_max));
  if (known != WordCache::unknown) return tokens.advance(known);
  const size_t before = tokens.ids().size();
  append_with_model(word, scratch, tokens);
  scratch.cache.insert(key, bucket, tokens.ids().subspan(before));
}

void Subwords::append_with_model(std::string_view word, SubwordScratch& scratch,
                                 TokenBuffer& tokens) const {
  if (family_ == TokenizerFamily::unigram) {
    unigram_.append(word, scratch.unigram, tokens);
  } else {
    bpe_.append(word, scratch.bpe, tokens);
  }
}

std::string_view to_valid_utf8(std::string_view text, std::string& copy) {
  if (is_valid_utf8(text)) return text;
  copy.clear();
  while (!text.empty()) {
    const DecodedCharacter decoded = decode_first(text);
    copy += encode_character(decoded.code_point).view();
    text.remove_prefix(decoded.bytes);
  }
  return copy;
}

}  // namespace hilo
