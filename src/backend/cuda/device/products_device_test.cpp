// The products of every shape that encoders use: right, and the same bits for a row whatever the
// number of rows and wherever the row lies. On the latter rests that a text's vector does not
// depend on what shares its batch.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "backend/cuda/device/on_device_test_support.h"
#include "backend/cuda/kernels_test_support.h"

namespace hilo {
namespace {

struct ProductCase {
  const char* of;
  uint32_t columns;
  uint32_t depth;
  bool out_is_fp32;
  bool adds_bias;
  uint32_t rows_max;
};

std::vector<ProductCase> layer_of(const char* model, uint32_t hidden, uint32_t intermediate,
                                  uint32_t rows_max) {
  return {{model, 3 * hidden, hidden, false, true, rows_max},
          {model, hidden, hidden, true, false, rows_max},
          {model, intermediate, hidden, false, false, rows_max},
          {model, hidden, intermediate, true, false, rows_max}};
}

std::vector<ProductCase> all_products() {
  std::vector<ProductCase> all = layer_of("tiny", 64, 128, 256);
  for (const auto& more : {layer_of("minilm", 384, 1536, 2048), layer_of("minilm", 384, 1536, 8192),
                           layer_of("base", 768, 3072, 2048), layer_of("large", 1024, 4096, 2048)})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

using Parameter = std::tuple<CudaFormat, ProductCase>;

class DeviceProducts : public OnDevice, public testing::WithParamInterface<Parameter> {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    if (IsSkipped()) return;
    device_ = std::make_unique<OpenedDevice>(driver());
    const ProductCase& of = shape();
    const CudaGemmShape asked{.columns = of.columns,
                              .depth = of.depth,
                              .rows_max = of.rows_max,
                              .out_is_fp32 = of.out_is_fp32,
                              .adds_bias = of.adds_bias,
                              .format = format()};
    gemm_ = *make_handle<GemmHandle>(driver(), "choose how to multiply", [&](CudaGemm** made) {
      return driver().make_gemm(&asked, made);
    });
    workspace_ = device_->allocate(cuda_gemm_workspace_bytes);
    const float deviation = 1.0F / std::sqrt(static_cast<float>(of.depth));
    weights_ = std::make_unique<Twin<uint16_t>>(
        *device_, random_.narrow_floats(format(), size_t{of.columns} * of.depth, deviation));
    bias_ = std::make_unique<Twin<uint16_t>>(*device_, random_.narrow_floats(format(), of.columns));
    rows_ = std::make_unique<Twin<uint16_t>>(
        *device_, random_.narrow_floats(format(), size_t{of.rows_max} * of.depth));
  }

  static CudaFormat format() { return std::get<0>(GetParam()); }
  static const ProductCase& shape() { return std::get<1>(GetParam()); }
  static size_t out_row_bytes() { return size_t{shape().columns} * (shape().out_is_fp32 ? 4 : 2); }

  // What lies in memory where the product of so many rows belongs, and in the row behind it, which
  // was full of ones.
  std::vector<std::byte> multiply(uint32_t row_count) {
    std::vector<std::byte> out((row_count + 1) * out_row_bytes(), std::byte{0xff});
    const DeviceMemory memory = device_->allocate(out.size());
    device_->write(memory.get(), out);
    const CudaProduct product{.rows = rows_->at(Place::device),
                              .weights = weights_->at(Place::device),
                              .bias = shape().adds_bias ? bias_->at(Place::device) : nullptr,
                              .out = memory.get(),
                              .workspace = workspace_.get(),
                              .row_count = row_count};
    device_->must(driver().multiply(gemm_.get(), &product, device_->stream()));
    device_->synchronize();
    device_->read(out, memory.get());
    return out;
  }
  float number(const std::vector<std::byte>& out, size_t row, size_t column) const {
    const std::byte* const at = out.data() + row * out_row_bytes();
    if (shape().out_is_fp32) return reinterpret_cast<const float*>(at)[column];
    return widen(format(), reinterpret_cast<const uint16_t*>(at)[column]);
  }
  // In fp64, which has more bits than any order of the sum can lose.
  double expected(size_t row, size_t column) {
    const uint16_t* const left = rows_->on_host().data() + row * shape().depth;
    const uint16_t* const right = weights_->on_host().data() + column * shape().depth;
    double sum = shape().adds_bias ? widen(format(), bias_->on_host()[column]) : 0.0;
    for (uint32_t i = 0; i < shape().depth; ++i)
      sum += double{widen(format(), left[i])} * double{widen(format(), right[i])};
    return sum;
  }

  std::unique_ptr<OpenedDevice> device_;
  Random random_;
  GemmHandle gemm_;
  DeviceMemory workspace_;
  std::unique_ptr<Twin<uint16_t>> weights_, bias_, rows_;
};

std::string name_of(const testing::TestParamInfo<Parameter>& info) {
  const auto& [format, of] = info.param;
  return std::string(of.of) + "_" + (format == cuda_bf16 ? "bf16" : "fp16") + "_" +
         std::to_string(of.columns) + "x" + std::to_string(of.depth) + "_rows" +
         std::to_string(of.rows_max);
}
INSTANTIATE_TEST_SUITE_P(Shapes, DeviceProducts,
                         testing::Combine(testing::Values(cuda_bf16, cuda_fp16),
                                          testing::ValuesIn(all_products())),
                         name_of);

TEST_P(DeviceProducts, AreThoseOfTheHost) {
  const uint32_t rows = shape().rows_max;
  const std::vector<std::byte> out = multiply(rows);
  double largest = 0.0;
  for (size_t row = 0; row < rows; row += rows / 31) {
    for (size_t column = 0; column < shape().columns; ++column) {
      const double right = expected(row, column);
      const double off = std::abs(double{number(out, row, column)} - right);
      const auto near = static_cast<float>(right);
      const float allowed = shape().out_is_fp32 ? 1e-4F : tolerance(format(), near);
      ASSERT_LE(off, allowed) << "row " << row << ", column " << column << ": " << right;
      largest = std::max(largest, off);
    }
  }
  RecordProperty("largest_difference", std::to_string(largest));
}

// How many rows a recorded bucket has, and what lies between.
std::vector<uint32_t> row_counts(uint32_t rows_max) {
  std::vector<uint32_t> counts = {1, 2, 3, 7, 8, 15, 17, 33, 63, 65, 100, 127, 129, 200, 255};
  for (uint32_t rows = 16; rows <= rows_max; rows *= 2)
    for (const uint32_t count : {rows, rows + 1, rows + rows / 2 - 1})
      if (count <= rows_max) counts.push_back(count);
  return counts;
}

TEST_P(DeviceProducts, KeepARowsBitsForAnyNumberOfRows) {
  const std::vector<std::byte> all = multiply(shape().rows_max);
  std::string others;
  for (const uint32_t count : row_counts(shape().rows_max)) {
    const std::vector<std::byte> out = multiply(count);
    const size_t bytes = count * out_row_bytes();
    if (!std::equal(out.begin(), out.begin() + static_cast<ptrdiff_t>(bytes), all.begin()))
      others += " " + std::to_string(count);
    ASSERT_TRUE(std::all_of(out.begin() + static_cast<ptrdiff_t>(bytes), out.end(),
                            [](std::byte byte) { return byte == std::byte{0xff}; }))
        << "something was written behind " << count << " rows";
  }
  EXPECT_EQ(others, "") << "these numbers of rows give other bits";
}

// The same rows, each five places further.
TEST_P(DeviceProducts, KeepARowsBitsAtAnyPlace) {
  const std::vector<std::byte> before = multiply(shape().rows_max);
  auto& numbers = rows_->on_host();
  std::ranges::rotate(numbers, numbers.end() - 5 * static_cast<ptrdiff_t>(shape().depth));
  rows_->refresh();
  std::vector<std::byte> after = multiply(shape().rows_max);
  after.resize(shape().rows_max * out_row_bytes());
  std::ranges::rotate(after, after.begin() + 5 * static_cast<ptrdiff_t>(out_row_bytes()));
  EXPECT_TRUE(std::equal(after.begin(), after.end(), before.begin()));
}

}  // namespace
}  // namespace hilo
