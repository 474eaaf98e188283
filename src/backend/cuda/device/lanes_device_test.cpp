// What the GPU does with lanes: recorded work against the same work queued call by call, both lanes
// at once, lives that end and leave nothing behind, and refusals.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>

#include "backend/cuda/batch_layout.h"
#include "backend/cuda/cuda_lane.h"
#include "backend/cuda/device/on_device_test_support.h"
#include "backend/cuda/encoder_test_support.h"
#include "backend/cuda/encoder_work.h"
#include "backend/cuda/kernels_test_support.h"
#include "base/log.h"

namespace hilo {
namespace {

using testing::HasSubstr;

class DeviceLanes : public OnDevice, public testing::WithParamInterface<CudaFormat> {
 protected:
  static void SetUpTestSuite() { set_log_level(LogLevel::error); }

  // Work that keeps a GPU busy; on the played one, as little as there is.
  static EncoderConfig config() {
    if (is_played()) return changed([](EncoderConfig& c) { c.layers = 1; });
    EncoderConfig minilm = minilm_l6_config;
    minilm.vocabulary = 1000;
    return minilm;
  }
  static uint32_t quantum() { return is_played() ? 64 : 2048; }
};
INSTANTIATE_TEST_SUITE_P(Formats, DeviceLanes, testing::Values(cuda_bf16, cuda_fp16), format_name);

// The encoder's work queued call by call, for batches of one bucket.
class DirectEncoder {
 public:
  DirectEncoder(const OpenedDevice& device, const Model& model, CudaFormat format,
                CudaBucket bucket)
      : device_(device),
        header_(model.header),
        bucket_(bucket),
        model_(*upload_model(device.driver(), model, format)),
        gemms_(*make_layer_gemms(device.driver(), model.header.encoder, format, rows_max)),
        tensors_(model.header, bucket),
        memory_(device.allocate(tensors_.bytes)) {}

  // As many rows as a CudaBackend tells: by them the way to multiply is chosen.
  static constexpr uint32_t rows_max = 512;

  std::vector<float> run(const Batch& batch) const {
    const BatchLayout layout(bucket_);
    std::vector<std::byte> in(layout.bytes);
    const size_t texts = batch.starts.size() - 1;
    write_batch(batch.tokens(false), {0, texts}, header_.encoder, layout, in.data());
    auto* const memory = static_cast<std::byte*>(memory_.get());
    device_.write(memory + tensors_.batch, in);
    const EncoderOnDevice encoder{device_.driver(), header_, model_, gemms_};
    device_.must(queue_encoder(encoder, tensors_, bucket_, memory, device_.stream()));
    device_.synchronize();
    std::vector<float> vectors(texts * header_.dims());
    device_.read(std::as_writable_bytes(std::span{vectors}), memory + tensors_.vectors);
    return vectors;
  }

 private:
  const OpenedDevice& device_;
  const ModelHeader header_;
  const CudaBucket bucket_;
  const DeviceModel model_;
  const LayerGemms gemms_;
  const LaneTensors tensors_;
  const DeviceMemory memory_;
};

TEST_P(DeviceLanes, ReplayedGraphsGiveTheBitsOfDirectCalls) {
  EncoderConfig config = DeviceLanes::config();
  config.positions_max = DirectEncoder::rows_max;
  const Model model = random_model(config);
  for (const CudaBucket& bucket : cuda_buckets(DirectEncoder::rows_max, 256)) {
    if (is_played() && bucket.tokens > 64) break;
    SCOPED_TRACE(testing::Message() << "bucket of " << bucket.tokens);
    std::vector<Batch> replays;
    {
      const auto backend = make(model, GetParam(), DirectEncoder::rows_max);
      for (const Lane lane : {Lane::high, Lane::low, Lane::high}) {
        // Texts that fill it but for one token.
        Batch batch(*backend, {bucket.tokens / 2, bucket.tokens / 2 - 4, 1, 2});
        ASSERT_TRUE(batch.run(*backend, lane));
        replays.push_back(std::move(batch));
      }
    }
    const OpenedDevice device(driver());
    const auto direct = DirectEncoder(device, model, GetParam(), bucket).run(replays[0]);
    for (const Batch& replay : replays) {
      std::vector<float> replayed;
      for (const auto& vector : replay.vectors)
        replayed.insert(replayed.end(), vector.begin(), vector.end());
      EXPECT_TRUE(replayed == direct);
    }
  }
}

// Goal: lanes share weights and nothing else. Method: threads of both, each with batches of other
// sizes, against a quiet run.
TEST_P(DeviceLanes, BesideEachOtherGiveTheBitsOfAQuietRun) {
  const auto backend = make(random_model(config()), GetParam(), quantum());
  const std::vector<std::vector<size_t>> kinds = {{20}, {1, 9, 40}, {33, 2, 64, 64, 5}};
  std::vector<Batch> quiet;
  for (const auto& lengths : kinds) {
    quiet.emplace_back(*backend, lengths);
    ASSERT_TRUE(quiet.back().run(*backend));
  }
  const size_t rounds = is_played() ? 3 : 2000;
  std::atomic<int> failed = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (const Lane lane : {Lane::high, Lane::low, Lane::high, Lane::low}) {
    threads.emplace_back([&, lane, first = threads.size()] {
      for (size_t round = 0; round < rounds; ++round) {
        const size_t kind = (first + round) % kinds.size();
        Batch batch(*backend, kinds[kind]);
        if (!batch.run(*backend, lane)) ++failed;
        if (batch.vectors != quiet[kind].vectors) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(wrong, 0);
}

// ---- Lives

uint64_t free_bytes(const CudaDriver& driver) {
  CudaDevice device{};
  if (const int error = driver.open(&device); error != 0)
    throw std::runtime_error(driver.error_text(error));
  driver.close();
  return device.bytes_free;
}

// Of this process, in the host's memory.
uint64_t resident_bytes() {
  uint64_t pages_total = 0;
  uint64_t pages_resident = 0;
  std::ifstream("/proc/self/statm") >> pages_total >> pages_resident;
  return pages_resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST_P(DeviceLanes, LeaveNothingBehindWhenTheyEnd) {
  constexpr uint64_t mebibyte = uint64_t{1} << 20;
  const Model model = random_model(config());
  const int lives = is_played() ? 4 : 24;
  uint64_t free_before = 0;
  uint64_t resident_before = 0;
  for (int life = 0; life < lives; ++life) {
    {
      const auto backend = make(model, GetParam(), quantum());
      for (int round = 0; round < (is_played() ? 1 : 100); ++round) {
        Batch batch(*backend, {20, 1, 9});
        ASSERT_TRUE(batch.run(*backend, round % 2 == 0 ? Lane::high : Lane::low));
      }
    }
    if (life + 1 != lives / 2) continue;
    // By now the libraries have what they keep.
    free_before = free_bytes(driver());
    resident_before = resident_bytes();
  }
  const uint64_t free_after = free_bytes(driver());
  const uint64_t resident_after = resident_bytes();
  EXPECT_GE(free_after + 2 * mebibyte, free_before) << "on the device";
  EXPECT_LE(resident_after, resident_before + 16 * mebibyte) << "on the host";
  RecordProperty("device_bytes_lost",
                 std::to_string(static_cast<int64_t>(free_before - free_after)));
  RecordProperty("host_bytes_lost",
                 std::to_string(static_cast<int64_t>(resident_after - resident_before)));
}

// ---- Refusals

// Only the shape of the weights is looked at before the refusal.
TEST_F(OnDevice, AModelThatDoesNotFitIsRefusedWithWhatIsMissing) {
  Model model = random_model(tiny);
  model.header.encoder.vocabulary = 4'000'000'000U;
  model.weights.word_embeddings = {.data = nullptr, .rows = 4'000'000'000U, .columns = 64};
  const auto refused = make_cuda_backend(driver(), model, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the model takes 488281 MiB"));
  EXPECT_THAT(refused.error().message, HasSubstr("MiB are missing"));
  // Nothing of it stays: the device is there for the next.
  const auto backend = make(random_model(tiny), cuda_bf16, 64);
  Batch batch(*backend, {3});
  EXPECT_TRUE(batch.run(*backend));
}

TEST_F(OnDevice, WeightsThatFp16CannotHoldAreRefused) {
  const Model model = random_model(tiny);
  const_cast<float&>(model.weights.layers[1].output.weight.data[7]) = 70000.0F;
  const auto refused = make_cuda_backend(driver(), model, {.format = cuda_fp16});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("too large for fp16: use bf16"));
}

// The other side of all that is skipped.
TEST(WithoutADevice, OneSentenceSaysSo) {
  if (plugin_under_test().driver == nullptr) GTEST_SKIP() << plugin_under_test().why_not;
  if (plugin_under_test().why_not.empty()) GTEST_SKIP() << "there is a device";
  const auto refused = make_cuda_backend(*plugin_under_test().driver, random_model(tiny), {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("there is no GPU to compute on: "));
}

}  // namespace
}  // namespace hilo
