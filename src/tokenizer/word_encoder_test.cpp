// Each splitter against the scalar one, and each fast path against the plain one.
#include "tokenizer/word_encoder.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tokenizer/splitters_test_support.h"
#include "tokenizer/tokenizer_cases.h"
#include "tokenizer/words.h"

namespace hilo {
namespace {

ByteClasses classes_of_test() {
  ByteClasses classes{};
  for (uint8_t byte = 0; byte < 0x80; ++byte) {
    classes.classes[byte] = byte < 0x10     ? byte_is_hard
                            : byte % 8 == 0 ? byte_is_space
                            : byte % 8 == 1 ? byte_is_alone
                                            : uint8_t{0};
    classes.normalized[byte] = static_cast<uint8_t>(127 - byte);
  }
  classes.classes[' '] = byte_is_space;
  return classes;
}

// Goal: every splitter gives the masks and bytes of the scalar one, at every length and alignment.
TEST(Splitter, AllAgreeWithTheScalarOne) {
  const ByteClasses classes = classes_of_test();
  cases::SplitMix64 random(1);
  std::string bytes(3 * stretch_bytes_max, ' ');
  for (char& byte : bytes) byte = static_cast<char>(random.below(256));
  for (const NamedSplitter& splitter : splitters_of_this_machine()) {
    for (size_t size = 1; size <= stretch_bytes_max; size += size < 200 ? 1 : 61) {
      const char* const text = bytes.data() + random.below(stretch_bytes_max);
      Stretch expected{};
      Stretch made{};
      split_scalar(classes, text, size, expected);
      splitter.split(classes, text, size, made);
      for (size_t block = 0; block * block_bytes < size; ++block) {
        ASSERT_EQ(made.in_word[block], expected.in_word[block]) << splitter.name << ' ' << size;
        ASSERT_EQ(made.alone[block], expected.alone[block]) << splitter.name << ' ' << size;
        ASSERT_EQ(made.hard[block], expected.hard[block]) << splitter.name << ' ' << size;
      }
      ASSERT_EQ(std::string_view(made.normalized, size),
                std::string_view(expected.normalized, size))
          << splitter.name << ' ' << size;
    }
  }
}

class WordEncoderPaths : public testing::TestWithParam<uint32_t> {
 protected:
  WordEncoderPaths()
      : blob_(compile_vocabulary(cases::alphabet_description(GetParam())).value()),
        vocabulary_(Vocabulary::open(blob_.bytes()).value()),
        normalizer_(vocabulary_.normalizer_options()) {
    for (const NamedSplitter& splitter : splitters_of_this_machine()) {
      encoders_.emplace_back(vocabulary_, vocabulary_.normalizer_options(), splitter.split);
    }
  }

  void compare(std::string_view text, size_t limit = 1 << 20) {
    plain_.start(limit);
    append_words(vocabulary_, normalizer_, text, scratch_.word, plain_);
    for (const WordEncoder& encoder : encoders_) {
      // The second time, the caches have what they learned.
      for (int turn = 0; turn < 2; ++turn) {
        tokens_.start(limit);
        encoder.append(text, scratch_, tokens_);
        const size_t kept = std::min(limit, plain_.ids().size());
        ASSERT_EQ(std::min(limit, tokens_.ids().size()), kept);
        ASSERT_TRUE(std::ranges::equal(tokens_.ids().first(kept), plain_.ids().first(kept)))
            << text;
      }
    }
  }

  Blob blob_;
  Vocabulary vocabulary_;
  Normalizer normalizer_;
  std::vector<WordEncoder> encoders_;
  WordScratch scratch_;
  TokenBuffer plain_;
  TokenBuffer tokens_;
};

TEST_P(WordEncoderPaths, AgreeOnAdversarialTexts) {
  cases::TextMaker maker(50 + GetParam());
  for (int i = 0; i < 2000; ++i) compare(maker.text());
}

// Texts of many stretches, whose ends fall into words of all kinds.
TEST_P(WordEncoderPaths, AgreeAcrossStretches) {
  cases::TextMaker maker(60 + GetParam());
  std::string text;
  while (text.size() < 64 * stretch_bytes_max) text += maker.text();
  for (size_t from = 0; from < 3 * block_bytes; ++from)
    compare(std::string_view(text).substr(from * 7, 3 * stretch_bytes_max));
  compare(text);
}

TEST_P(WordEncoderPaths, AgreeOnWordsOfAllLengths) {
  for (size_t size = 1; size < 3 * stretch_bytes_max; size += size < 200 ? 1 : 97) {
    const std::string word(size, 'a');
    compare(word);
    compare("b " + word + " c");
    compare(word + "\u00e9 d");
  }
}

// Ideographs and punctuation of other scripts part words, whatever stands between them.
TEST_P(WordEncoderPaths, AgreeOnWordsOfManyParts) {
  constexpr std::array<std::string_view, 14> parts = {
      "\u4e2d",       "\u6587", "\u3001", "\u3000", "\u3042", "\u30ab\u30bf", "linux",
      "\u0434\u043e", "\ud55c", "\u0301", "\u200b", "\u201c", "\U00020000",   "\xe4\xb8"};
  cases::SplitMix64 random(80 + GetParam());
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (uint32_t count = random.below(12); count > 0; --count) {
      text += parts[random.below(parts.size())];
    }
    compare(text);
  }
  std::string text;
  while (text.size() < 2 * stretch_bytes_max) text += parts[random.below(parts.size())];
  compare(text);
}

// The cache learns nothing from a word that was cut short, so the second reading is right, too.
TEST_P(WordEncoderPaths, AgreeWhereTheLimitCutsAWord) {
  cases::TextMaker maker(70 + GetParam());
  for (int i = 0; i < 300; ++i) {
    const std::string text = maker.text() + " \u0431\u0432\u0433 abcd";
    for (const size_t limit : {1U, 2U, 3U, 5U, 8U}) compare(text, limit);
    compare(text);
  }
}

INSTANTIATE_TEST_SUITE_P(Flags, WordEncoderPaths, testing::Values(0U, 3U, 4U, 8U, 15U));

TEST(WordCache, KeepsWhatFitsAndForgetsForAnotherOwner) {
  WordCache cache(1 << 12);
  std::array<char, WordCache::bytes_read> word = {'w', 'o', 'r', 'd', 'x'};
  const WordCache::Key key = WordCache::key_of(word.data(), 4);
  const uint32_t bucket = cache.bucket_of(key);
  std::array<uint32_t, WordCache::ids_max> ids{};
  cache.serve(1);
  EXPECT_EQ(cache.find(key, bucket, ids.data()), WordCache::unknown);
  cache.insert(key, bucket, std::array{7U, ids_max - 1});
  ASSERT_EQ(cache.find(key, bucket, ids.data()), 2U);
  EXPECT_EQ(ids[0], 7U);
  EXPECT_EQ(ids[1], ids_max - 1);
  EXPECT_NE(WordCache::key_of(word.data(), 5), key);
  cache.serve(2);
  EXPECT_EQ(cache.find(key, bucket, ids.data()), WordCache::unknown);
  cache.insert(key, bucket, std::vector<uint32_t>(WordCache::ids_max + 1));
  EXPECT_EQ(cache.find(key, bucket, ids.data()), WordCache::unknown);
}

// An empty word's ids are none, which is not the same as an unknown word; and of two words in a
// bucket the third pushes out the older.
TEST(WordCache, TheOlderOfTwoGoes) {
  WordCache cache(64);
  cache.serve(1);
  std::array<uint32_t, WordCache::ids_max> ids{};
  const auto find = [&](uint64_t word) {
    return cache.find({word, uint64_t{1} << 56}, 0, ids.data());
  };
  for (const uint64_t word : {1U, 2U, 3U}) cache.insert({word, uint64_t{1} << 56}, 0, {});
  EXPECT_EQ(find(1), WordCache::unknown);
  EXPECT_EQ(find(2), 0U);
  EXPECT_EQ(find(3), 0U);
}

}  // namespace
}  // namespace hilo
