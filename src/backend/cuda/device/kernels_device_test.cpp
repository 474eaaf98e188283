// Each kernel on the GPU against the same source on the shim, which other tests hold to the CPU's
// scalar kernels. The two may round differently where a GPU fuses a product with a sum.
#include <algorithm>
#include <cmath>

#include "backend/cuda/device/on_device_test_support.h"
#include "backend/cuda/kernels_test_support.h"

namespace hilo {
namespace {

constexpr float epsilon = 1e-12F;

class DeviceKernels : public OnDevice, public testing::WithParamInterface<CudaFormat> {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    if (!IsSkipped()) device_ = std::make_unique<OpenedDevice>(driver());
  }

  CudaFormat format() const { return GetParam(); }
  template <class Number>
  Twin<Number> twin(std::vector<Number> numbers) const {
    return {*device_, std::move(numbers)};
  }

  // `arguments` makes them for either place.
  template <class Arguments, class Make>
  void run_both(int (*on_host)(const Arguments*, CudaStream*),
                int (*on_device)(const Arguments*, CudaStream*), Make arguments) const {
    const Arguments of_host = arguments(Place::host);
    ASSERT_EQ(on_host(&of_host, nullptr), 0) << simt::fault();
    const Arguments of_device = arguments(Place::device);
    device_->must(on_device(&of_device, device_->stream()));
    device_->synchronize();
  }

  // Each number is rounded to 16 bits at either place, so they are a step apart at most, or `more`
  // where something was rounded before. What lies behind the batch is compared as well: nobody may
  // write it.
  void expect_alike(Twin<uint16_t>& out, float more = 0.0F) const {
    const std::vector<uint16_t> numbers = out.on_device();
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i] == out.on_host()[i]) continue;
      const float expected = widen(format(), out.on_host()[i]);
      ASSERT_NEAR(widen(format(), numbers[i]), expected,
                  2.0F * tolerance(format(), expected) + more)
          << "number " << i;
    }
  }

  std::unique_ptr<OpenedDevice> device_;
  Random random_;
};
INSTANTIATE_TEST_SUITE_P(Formats, DeviceKernels, testing::Values(cuda_bf16, cuda_fp16),
                         format_name);

TEST_P(DeviceKernels, EmbedIsThatOfTheShim) {
  struct Case {
    uint32_t hidden;
    uint32_t token_types;
  };
  for (const auto [hidden, token_types] :
       {Case{8, 2}, Case{384, 2}, Case{768, 0}, Case{776, 1}, Case{1024, 1}}) {
    constexpr uint32_t rows = 37;  // of the bucket
    auto counts = twin<CudaBatchCounts>({{.tokens = 33, .texts = 1, .tiles = 3}});
    std::vector<uint32_t> some_ids = random_.below<uint32_t>(50, rows);
    some_ids[3] = 4'000'000'000U;  // becomes 49
    auto ids = twin(some_ids);
    auto positions = twin(random_.below<uint32_t>(30, rows));
    auto types = twin(random_.below<uint8_t>(std::max(token_types, 1U), rows));
    auto words = twin(random_.narrow_floats(format(), size_t{50} * hidden, 0.5F));
    auto places = twin(random_.narrow_floats(format(), size_t{30} * hidden, 0.3F));
    auto kinds = twin(random_.narrow_floats(format(), size_t{token_types} * hidden, 0.2F));
    auto gamma = twin(random_.floats(hidden, 0.1F, 1.0F));
    auto beta = twin(random_.floats(hidden, 0.1F));
    auto out = twin(std::vector<uint16_t>(size_t{rows} * hidden, 0x3c01));
    run_both(cuda_embed, driver().embed, [&](Place place) {
      return CudaEmbed{.counts = counts.at(place),
                       .ids = ids.at(place),
                       .positions = positions.at(place),
                       .types = types.at(place),
                       .word_table = words.at(place),
                       .position_table = places.at(place),
                       .type_table = kinds.at(place),
                       .gamma = gamma.at(place),
                       .beta = beta.at(place),
                       .out = out.at(place),
                       .rows = rows,
                       .hidden = hidden,
                       .vocabulary = 50,
                       .positions_max = 30,
                       .token_types = token_types,
                       .epsilon = epsilon,
                       .format = format()};
    });
    expect_alike(out);
  }
}

TEST_P(DeviceKernels, AddNormIsThatOfTheShim) {
  for (const uint32_t hidden : {8U, 64U, 384U, 768U, 1024U}) {
    constexpr uint32_t rows = 130;
    auto counts = twin<CudaBatchCounts>({{.tokens = 127, .texts = 1, .tiles = 8}});
    auto product = twin(random_.floats(size_t{rows} * hidden));
    auto bias = twin(random_.floats(hidden, 0.1F));
    auto gamma = twin(random_.floats(hidden, 0.1F, 1.0F));
    auto beta = twin(random_.floats(hidden, 0.1F));
    auto inout = twin(random_.narrow_floats(format(), size_t{rows} * hidden));
    run_both(cuda_add_norm, driver().add_norm, [&](Place place) {
      return CudaAddNorm{.counts = counts.at(place),
                         .product = product.at(place),
                         .bias = bias.at(place),
                         .gamma = gamma.at(place),
                         .beta = beta.at(place),
                         .inout = inout.at(place),
                         .rows = rows,
                         .hidden = hidden,
                         .epsilon = epsilon,
                         .format = format()};
    });
    expect_alike(inout);
  }
}

// All numbers that 16 bits hold, infinities and what is not a number apart.
TEST_P(DeviceKernels, GeluIsThatOfTheShimForEveryNumber) {
  constexpr uint32_t columns = 256;
  constexpr uint32_t rows = 256;
  auto counts = twin<CudaBatchCounts>({{.tokens = rows - 1, .texts = 1, .tiles = 16}});
  std::vector<uint16_t> all(size_t{rows} * columns);
  for (size_t i = 0; i < all.size(); ++i) {
    const auto bits = static_cast<uint16_t>(i);
    all[i] = std::isfinite(widen(format(), bits)) ? bits : 0;
  }
  auto inout = twin(all);
  std::vector<float> some_bias(columns);
  for (size_t i = 128; i < columns; ++i) some_bias[i] = static_cast<float>(i) / 64.0F - 3.0F;
  auto bias = twin(some_bias);
  run_both(cuda_gelu, driver().gelu, [&](Place place) {
    return CudaGelu{.counts = counts.at(place),
                    .bias = bias.at(place),
                    .inout = inout.at(place),
                    .rows = rows,
                    .columns = columns,
                    .format = format()};
  });
  expect_alike(inout);
}

struct AttentionCase {
  std::vector<uint32_t> lengths;
  uint32_t heads;
  uint32_t head;
  bool distance_bias = false;
};

// The head sizes of each instance, whole and cut; texts on both sides of tiles and chunks.
TEST_P(DeviceKernels, AttendIsThatOfTheShim) {
  const AttentionCase cases[] = {{{1, 2, 16, 17, 33, 150}, 12, 32},
                                 {{5, 50, 129}, 12, 64},
                                 {{1, 65}, 4, 128},
                                 {{9, 3}, 3, 8},
                                 {{20}, 2, 40},
                                 {{34}, 1, 96, true},
                                 {{1, 65, 200}, 3, 32, true},
                                 {{512}, 1, 64}};
  for (const AttentionCase& of : cases) {
    SCOPED_TRACE(testing::Message() << of.heads << " heads of " << of.head);
    const PackedTexts texts(of.lengths);
    if (is_played() && texts.counts.tokens * of.heads > 100) continue;
    const uint32_t width = of.heads * of.head;
    const uint32_t distances = *std::ranges::max_element(of.lengths);
    auto counts = twin<CudaBatchCounts>({texts.counts});
    auto tiles = twin([&] {
      auto with_one_more = texts.tiles;
      with_one_more.push_back({});
      return with_one_more;
    }());
    auto qkv = twin(random_.narrow_floats(format(), size_t{texts.counts.tokens} * 3 * width));
    auto distance_bias = twin(random_.floats(size_t{of.heads} * (2 * distances - 1)));
    auto context = twin(std::vector<uint16_t>(size_t{texts.counts.tokens} * width, 0xffff));
    run_both(cuda_attend, driver().attend, [&](Place place) {
      return CudaAttention{.counts = counts.at(place),
                           .tiles = tiles.at(place),
                           .qkv = qkv.at(place),
                           .distance_bias = of.distance_bias ? distance_bias.at(place) : nullptr,
                           .context = context.at(place),
                           .rows = texts.counts.tokens,
                           .tiles_max = texts.counts.tiles + 1,
                           .heads = of.heads,
                           .head = of.head,
                           .distances = distances,
                           .scale = 1.0F / std::sqrt(static_cast<float>(of.head)),
                           .format = format()};
    });
    // A power of at most 1 that is rounded the other way, times a value.
    expect_alike(context, 2.0F * tolerance(format(), 1.0F));
  }
}

// ---- From rows to vectors

TEST_P(DeviceKernels, PoolIsThatOfTheShim) {
  const PackedTexts texts({3, 1, 40, 300});
  auto counts = twin<CudaBatchCounts>({texts.counts});
  auto start = twin([&] {
    auto of_bucket = texts.start;
    of_bucket.push_back(0);
    return of_bucket;
  }());
  auto raw = twin<uint8_t>({0, 1, 0, 0, 0});
  for (const uint32_t hidden : {8U, 384U, 768U, 1024U}) {
    auto rows = twin(random_.narrow_floats(format(), size_t{texts.counts.tokens} * hidden));
    for (const CudaPooling pooling : {cuda_pool_mean, cuda_pool_cls, cuda_pool_last}) {
      for (const uint32_t normalize : {0U, 1U}) {
        auto vectors = twin(std::vector<float>(size_t{5} * hidden, -7.0F));
        run_both(cuda_pool, driver().pool, [&](Place place) {
          return CudaPool{.counts = counts.at(place),
                          .sequence_start = start.at(place),
                          .raw = raw.at(place),
                          .rows_of_texts = rows.at(place),
                          .vectors = vectors.at(place),
                          .rows = texts.counts.tokens,
                          .texts_max = 5,
                          .hidden = hidden,
                          .pooling = pooling,
                          .normalize = normalize,
                          .format = format()};
        });
        const std::vector<float> numbers = vectors.on_device();
        for (size_t i = 0; i < numbers.size(); ++i)
          ASSERT_NEAR(numbers[i], vectors.on_host()[i], 1e-5F) << "number " << i;
      }
    }
  }
}

TEST_P(DeviceKernels, ScoreIsThatOfTheShim) {
  const PackedTexts texts({2, 5, 30});
  auto counts = twin<CudaBatchCounts>({texts.counts});
  auto start = twin([&] {
    auto of_bucket = texts.start;
    of_bucket.push_back(0);
    return of_bucket;
  }());
  auto raw = twin<uint8_t>({0, 1, 0, 0});
  for (const uint32_t hidden : {8U, 72U, 384U, 1024U}) {
    if (is_played() && hidden > 100) continue;
    auto rows = twin(random_.narrow_floats(format(), size_t{texts.counts.tokens} * hidden));
    auto dense = twin(random_.narrow_floats(format(), size_t{hidden} * hidden,
                                            1.0F / std::sqrt(static_cast<float>(hidden))));
    auto dense_bias = twin(random_.floats(hidden, 0.1F));
    auto output = twin(random_.floats(hidden, 0.1F));
    for (const CudaScoreFunction function : {cuda_score_identity, cuda_score_sigmoid}) {
      auto scores = twin(std::vector<float>(4, -7.0F));
      run_both(cuda_score, driver().score, [&](Place place) {
        return CudaScore{.counts = counts.at(place),
                         .sequence_start = start.at(place),
                         .raw = raw.at(place),
                         .rows_of_texts = rows.at(place),
                         .dense = dense.at(place),
                         .dense_bias = dense_bias.at(place),
                         .output = output.at(place),
                         .scores = scores.at(place),
                         .rows = texts.counts.tokens,
                         .texts_max = 4,
                         .hidden = hidden,
                         .output_bias = 0.3F,
                         .function = function,
                         .format = format()};
      });
      const std::vector<float> numbers = scores.on_device();
      for (size_t i = 0; i < numbers.size(); ++i)
        ASSERT_NEAR(numbers[i], scores.on_host()[i], 1e-4F) << "score " << i;
    }
  }
}

}  // namespace
}  // namespace hilo
