#include "channel/region.h"

#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr size_t region_bytes = 64 * 4096;

// Tries everything that would take memory away from its readers, or let somebody else write to it.
void expect_untouchable(int descriptor) {
  EXPECT_NE(::ftruncate(descriptor, 0), 0);
  EXPECT_NE(::ftruncate(descriptor, region_bytes * 2), 0);
  EXPECT_NE(::fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
  EXPECT_LT(::pwrite(descriptor, "x", 1, 0), 0);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), MAP_FAILED);
  EXPECT_NE(::fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE), 0);

  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const UniqueFd reopened{::open(link.c_str(), O_RDWR | O_CLOEXEC)};
  if (reopened.valid()) {
    EXPECT_LT(::pwrite(reopened.get(), "x", 1, 0), 0);
    EXPECT_EQ(::mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, reopened.get(), 0), MAP_FAILED);
  }

  void* const mapped = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, descriptor, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  EXPECT_NE(::mprotect(mapped, 4096, PROT_READ | PROT_WRITE), 0);
  EXPECT_NE(::madvise(mapped, 4096, MADV_REMOVE), 0);
  ::munmap(mapped, 4096);
}

TEST(Region, SealedRegionsCannotBeTouched) {
  const Result<UniqueFd> region = make_region("test", region_bytes);
  ASSERT_TRUE(region.ok());
  Result<Mapping> writer = map_region(region->get(), region_bytes, Access::read_write);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(seal_against_writers(region->get()).ok());
  expect_untouchable(region->get());

  // The mapping that was there before still writes, but cannot take pages away.
  std::memset(writer->data(), 7, region_bytes);
  EXPECT_NE(::madvise(writer->data(), 4096, MADV_REMOVE), 0);
  EXPECT_EQ(static_cast<char*>(writer->data())[100], 7);
}

// Goal: without the last seal the attacks work, so the test above tests the seal.
TEST(Region, UnsealedRegionsCanBeTouched) {
  const Result<UniqueFd> region = make_region("test", region_bytes);
  ASSERT_TRUE(region.ok());
  EXPECT_EQ(::fallocate(region->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
  EXPECT_EQ(::pwrite(region->get(), "x", 1, 0), 1);
  EXPECT_NE(::ftruncate(region->get(), 0), 0);
}

// Goal: a client that seals its region first, to keep the engine from doing so, is found out.
TEST(Region, SealingTwiceFails) {
  const Result<UniqueFd> region = make_region("test", region_bytes);
  ASSERT_TRUE(region.ok());
  ASSERT_EQ(::fcntl(region->get(), F_ADD_SEALS, F_SEAL_SEAL), 0);
  EXPECT_FALSE(seal_against_writers(region->get()).ok());
}

// Goal: holes punched before the seal are filled again, and the seal does not stand in the way.
TEST(Region, HolesAreFilled) {
  const Result<UniqueFd> region = make_region("test", region_bytes);
  ASSERT_TRUE(region.ok());
  struct stat file {};
  ASSERT_EQ(::fstat(region->get(), &file), 0);
  const blkcnt_t whole = file.st_blocks;
  EXPECT_EQ(static_cast<size_t>(whole) * 512, region_bytes);
  ASSERT_EQ(
      ::fallocate(region->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, region_bytes / 2),
      0);
  ASSERT_TRUE(seal_against_writers(region->get()).ok());
  ASSERT_TRUE(fill_holes(region->get(), region_bytes).ok());
  ASSERT_EQ(::fstat(region->get(), &file), 0);
  EXPECT_EQ(file.st_blocks, whole);
}

// Goal: a forked child does not have the mapping: touching it there is fatal.
TEST(Region, ForkedChildrenDoNotGetTheMapping) {
  const Result<UniqueFd> region = make_region("test", region_bytes);
  ASSERT_TRUE(region.ok());
  const Result<Mapping> mapping = map_region(region->get(), region_bytes, Access::read);
  ASSERT_TRUE(mapping.ok());
  const pid_t child = ::fork();
  if (child == 0) {
    unsigned char present = 0;
    ::_exit(::mincore(mapping->data(), 4096, &present) == 0 ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Goal: running out of descriptors is an error with a sentence.
TEST(Region, NoDescriptorsLeftIsTold) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Result<UniqueFd> region = make_region("test", region_bytes);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_FALSE(region.ok());
  EXPECT_NE(region.error().message.find("Too many open files"), std::string::npos);
}

// Goal: a slip in a size stops the engine before the kernel hands out the machine's memory.
TEST(Region, HugeRegionsAreOurOwnMistake) {
  EXPECT_DEATH(static_cast<void>(make_region("test", region_bytes_max + 1)), "broken rule");
}

}  // namespace
}  // namespace hilo
