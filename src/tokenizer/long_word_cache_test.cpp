#include "tokenizer/long_word_cache.h"

#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace hilo {
namespace {

std::vector<uint32_t> ids_of(size_t count) {
  std::vector<uint32_t> ids(count);
  std::iota(ids.begin(), ids.end(), 7);
  return ids;
}

TEST(LongWordCache, KeepsWhatFits) {
  LongWordCache cache;
  cache.serve(1);
  for (size_t bytes = 1; bytes <= LongWordCache::word_bytes_max; ++bytes) {
    const LongWordCache::Key key = LongWordCache::key_of(std::string(bytes, 'a'));
    EXPECT_FALSE(cache.find(key).is_known);
    const std::vector<uint32_t> ids = ids_of(bytes % (LongWordCache::ids_max + 1));
    cache.insert(key, ids);
    const LongWordCache::Found found = cache.find(key);
    EXPECT_TRUE(found.is_known);
    EXPECT_EQ(std::vector(found.ids.begin(), found.ids.end()), ids);
  }
}

TEST(LongWordCache, WordsOfTooManyIdsAreNotKept) {
  LongWordCache cache;
  cache.serve(1);
  const LongWordCache::Key key = LongWordCache::key_of("word");
  cache.insert(key, ids_of(LongWordCache::ids_max + 1));
  EXPECT_FALSE(cache.find(key).is_known);
}

TEST(LongWordCache, TheYoungerOfTwoTakesTheSlot) {
  LongWordCache cache(128);
  cache.serve(1);
  const LongWordCache::Key older = LongWordCache::key_of("older");
  const LongWordCache::Key younger = LongWordCache::key_of("younger");
  cache.insert(older, ids_of(3));
  cache.insert(younger, ids_of(2));
  EXPECT_FALSE(cache.find(older).is_known);
  EXPECT_EQ(cache.find(younger).ids.size(), 2U);
}

TEST(LongWordCache, AnotherOwnerFindsNothing) {
  LongWordCache cache;
  cache.serve(1);
  const LongWordCache::Key key = LongWordCache::key_of("word");
  cache.insert(key, ids_of(2));
  cache.serve(1);
  EXPECT_TRUE(cache.find(key).is_known);
  cache.serve(2);
  EXPECT_FALSE(cache.find(key).is_known);
}

}  // namespace
}  // namespace hilo
