// That the device on the host refuses what a GPU would take and do wrong.
#include "backend/cuda/host/fake_driver.h"

#include <array>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hilo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t bytes = 1024;

class FakeDriverTest : public testing::Test {
 protected:
  FakeDriverTest() {
    CudaDevice device{};
    EXPECT_EQ(driver_.open(&device), 0);
    EXPECT_EQ(driver_.allocate(bytes, &device_memory_), 0);
    EXPECT_EQ(driver_.allocate_pinned(bytes, &host_memory_), 0);
    for (CudaStream*& stream : streams_) EXPECT_EQ(driver_.make_stream(0, &stream), 0);
  }
  int copy_in(CudaStream* stream, uint64_t count = bytes) {
    return driver_.copy_in(device_memory_, host_memory_, count, stream);
  }
  void expect_complaint(const std::string& part) const {
    EXPECT_THAT(fake_.complaints(), ElementsAre(HasSubstr(part)));
  }

  FakeDriver fake_;
  const CudaDriver& driver_ = fake_.table();
  void* device_memory_ = nullptr;
  void* host_memory_ = nullptr;
  std::array<CudaStream*, 2> streams_{};
};

TEST_F(FakeDriverTest, WorkIsDoneWhenSomebodyWaits) {
  auto* const host = static_cast<char*>(host_memory_);
  host[0] = 1;
  ASSERT_EQ(copy_in(streams_[0]), 0);
  ASSERT_EQ(driver_.copy_out(host_memory_, device_memory_, bytes, streams_[0]), 0);
  host[0] = 2;  // The copy has not been made yet, so this is what it takes.
  EXPECT_THAT(fake_.work(), IsEmpty());
  ASSERT_EQ(driver_.synchronize(streams_[0]), 0);
  EXPECT_EQ(host[0], 2);
  EXPECT_THAT(fake_.work(), ElementsAre("stream 1: copy_in", "stream 1: copy_out"));
  EXPECT_THAT(fake_.complaints(), IsEmpty());
}

TEST_F(FakeDriverTest, RefusesMemoryOutsideOfAnAllocation) {
  EXPECT_NE(copy_in(streams_[0], bytes + 1), 0);
  expect_complaint("1025 bytes that are in no device allocation");
}

TEST_F(FakeDriverTest, RefusesMemoryOfTheHostThatIsNotPinned) {
  char byte = 0;
  EXPECT_NE(driver_.copy_in(device_memory_, &byte, 1, streams_[0]), 0);
  expect_complaint("in no pinned allocation");
}

TEST_F(FakeDriverTest, RefusesWhatIsNotAligned) {
  auto* const inout = reinterpret_cast<uint16_t*>(static_cast<char*>(device_memory_) + 16);
  const CudaGelu gelu{.counts = static_cast<CudaBatchCounts*>(device_memory_),
                      .bias = static_cast<float*>(device_memory_),
                      .inout = inout,
                      .rows = 1,
                      .columns = 8,
                      .format = cuda_bf16};
  EXPECT_NE(driver_.gelu(&gelu, streams_[0]), 0);
  expect_complaint("gelu: not aligned");
}

TEST_F(FakeDriverTest, RefusesStreamsThatNothingOrders) {
  ASSERT_EQ(copy_in(streams_[0]), 0);
  EXPECT_NE(driver_.copy_out(host_memory_, device_memory_, bytes, streams_[1]), 0);
  EXPECT_THAT(fake_.complaints(),
              testing::Contains(HasSubstr("copy_out on stream 2 is not ordered behind copy_in")));
}

TEST_F(FakeDriverTest, TakesStreamsThatTheHostOrders) {
  ASSERT_EQ(copy_in(streams_[0]), 0);
  ASSERT_EQ(driver_.synchronize(streams_[0]), 0);
  EXPECT_EQ(driver_.copy_out(host_memory_, device_memory_, bytes, streams_[1]), 0);
  EXPECT_THAT(fake_.complaints(), IsEmpty());
}

TEST_F(FakeDriverTest, RefusesToReleaseWhatIsInUse) {
  ASSERT_EQ(copy_in(streams_[0]), 0);
  driver_.release(device_memory_);
  expect_complaint("released that work still touches");
}

TEST_F(FakeDriverTest, RefusesToReleaseWhatRecordedWorkTouches) {
  ASSERT_EQ(driver_.begin_recording(streams_[0]), 0);
  ASSERT_EQ(copy_in(streams_[0]), 0);
  CudaGraph* graph = nullptr;
  ASSERT_EQ(driver_.end_recording(streams_[0], &graph), 0);
  ASSERT_EQ(driver_.launch(graph, streams_[0]), 0);
  ASSERT_EQ(driver_.synchronize(streams_[0]), 0);
  EXPECT_THAT(fake_.work(), ElementsAre("stream 1: copy_in"));
  driver_.release(device_memory_);
  expect_complaint("released that work still touches");
}

TEST_F(FakeDriverTest, RefusesToUseWhatWasReleased) {
  driver_.release_stream(streams_[1]);
  EXPECT_NE(copy_in(streams_[1]), 0);
  expect_complaint("a stream that does not live");
}

TEST_F(FakeDriverTest, RefusesToReleaseTwice) {
  driver_.release(device_memory_);
  driver_.release(device_memory_);
  expect_complaint("released that does not live");
}

TEST_F(FakeDriverTest, RefusesToWaitWhileRecording) {
  ASSERT_EQ(driver_.begin_recording(streams_[0]), 0);
  EXPECT_NE(driver_.synchronize(streams_[0]), 0);
  expect_complaint("synchronize while recording");
}

TEST_F(FakeDriverTest, RefusesToWaitForWhatNobodyRecords) {
  CudaEvent* event = nullptr;
  ASSERT_EQ(driver_.make_event(0, &event), 0);
  EXPECT_NE(driver_.wait(event), 0);
  expect_complaint("nobody records");
}

TEST_F(FakeDriverTest, CountsWhatIsAlive) {
  EXPECT_EQ(fake_.alive(), 4U);
  driver_.release_stream(streams_[0]);
  EXPECT_EQ(fake_.alive(), 3U);
}

TEST_F(FakeDriverTest, FailsTheCallItIsTold) {
  fake_.fail_call(fake_.calls() + 1);
  EXPECT_EQ(copy_in(streams_[0]), 0);
  EXPECT_EQ(copy_in(streams_[0]), FakeDriver::injected_error);
  EXPECT_EQ(copy_in(streams_[0]), 0);
}

TEST(FakeDriverUnopened, RefusesEverything) {
  FakeDriver fake;
  CudaStream* stream = nullptr;
  EXPECT_NE(fake.table().make_stream(0, &stream), 0);
  EXPECT_THAT(fake.complaints(), ElementsAre("make_stream before open"));
}

}  // namespace
}  // namespace hilo
