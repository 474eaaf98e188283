// The two caches of a thread, and how a word is looked up in them. Threads: one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "tokenizer/long_word_cache.h"
#include "tokenizer/token_buffer.h"
#include "tokenizer/word_cache.h"

namespace hilo {

struct WordCaches {
  WordCache words;
  LongWordCache long_words;

  // A number for serve() that no other owner of the process has.
  static uint64_t next_owner() {
    static std::atomic<uint64_t> owners{0};
    return 1 + owners.fetch_add(1, std::memory_order_relaxed);  // Only has to differ.
  }
  // Forgets everything if it was learned for another owner.
  void serve(uint64_t owner) {
    words.serve(owner);
    long_words.serve(owner);
  }

  // Appends the ids of a word that is not empty, from a cache if it is known, else by
  // `append_new(word)`, and keeps what that appends. Bytes up to `readable_end` can be read.
  template <class AppendNew>
  void append(std::string_view word, const char* readable_end, TokenBuffer& tokens,
              const AppendNew& append_new) {
    if (word.size() > WordCache::word_bytes_max) return append_long(word, tokens, append_new);
    const WordCache::Key key = WordCache::key_of(word, readable_end);
    const uint32_t bucket = words.bucket_of(key);
    const size_t known = words.find(key, bucket, tokens.room_for(WordCache::ids_max));
    if (known != WordCache::unknown) return tokens.advance(known);
    const size_t before = tokens.ids().size();
    append_long(word, tokens, append_new);
    if (!tokens.is_over()) words.insert(key, bucket, tokens.ids().subspan(before));
  }

  // The same for a word that `words` does not have.
  template <class AppendNew>
  void append_long(std::string_view word, TokenBuffer& tokens, const AppendNew& append_new) {
    if (word.size() > LongWordCache::word_bytes_max) return append_new(word);
    const LongWordCache::Key key = LongWordCache::key_of(word);
    if (const LongWordCache::Found found = long_words.find(key); found.is_known) {
      return tokens.append(found.ids);
    }
    const size_t before = tokens.ids().size();
    append_new(word);
    const std::span<const uint32_t> ids = tokens.ids().subspan(before);
    const bool is_for_words =
        word.size() <= WordCache::word_bytes_max && ids.size() <= WordCache::ids_max;
    // A buffer that is over its limit may lack the word's last ids.
    if (!is_for_words && !tokens.is_over()) long_words.insert(key, ids);
  }
};

}  // namespace hilo
