#include "tokenizer/blob_cache.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tokenizer/description.h"
#include "tokenizer/tokenizer_cases.h"

namespace hilo {
namespace {

namespace fs = std::filesystem;

class BlobCache : public testing::Test {
 protected:
  BlobCache() {
    std::string pattern = fs::temp_directory_path() / "hilo-cache-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
    TokenizerDescription description = cases::bert_description();
    description.source_hash = hash_of_source(source_);
    blob_ = compile_vocabulary(description).value();
  }
  ~BlobCache() override {
    unsetenv("XDG_CACHE_HOME");
    fs::remove_all(folder_);
  }
  fs::path only_file() const {
    fs::path found;
    for (const auto& entry : fs::directory_iterator(folder_ / "hilo")) {
      EXPECT_TRUE(found.empty());
      found = entry.path();
    }
    return found;
  }

  fs::path folder_;
  std::string source_ = std::string(cached_source_bytes_min, ' ');
  Blob blob_{0};
};

TEST_F(BlobCache, GivesBackWhatWasStored) {
  EXPECT_FALSE(load_cached_blob(source_));
  store_cached_blob(source_, blob_);
  const std::optional<Blob> cached = load_cached_blob(source_);
  ASSERT_TRUE(cached);
  EXPECT_TRUE(std::ranges::equal(cached->bytes(), std::as_const(blob_).bytes()));
  source_[7] = 'x';
  EXPECT_FALSE(load_cached_blob(source_));
}

TEST_F(BlobCache, SmallSourcesLeaveNothing) {
  source_.pop_back();
  store_cached_blob(source_, blob_);
  EXPECT_FALSE(fs::exists(folder_ / "hilo"));
}

TEST_F(BlobCache, WhatIsNotOursAloneOrNotWholeIsPassedOver) {
  store_cached_blob(source_, blob_);
  const fs::path file = only_file();
  ASSERT_EQ(chmod(file.c_str(), 0620), 0);
  EXPECT_FALSE(load_cached_blob(source_));
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  EXPECT_TRUE(load_cached_blob(source_));
  fs::resize_file(file, 100);
  EXPECT_FALSE(load_cached_blob(source_));
  fs::remove(file);
  fs::create_directory(file);
  EXPECT_FALSE(load_cached_blob(source_));
  store_cached_blob(source_, blob_);  // cannot, and says nothing
  EXPECT_EQ(only_file(), file);
}

TEST_F(BlobCache, WithoutAFolderNothingHappens) {
  setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
  store_cached_blob(source_, blob_);
  EXPECT_FALSE(load_cached_blob(source_));
}

}  // namespace
}  // namespace hilo
