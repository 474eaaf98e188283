#include "backend/cpu/embedding_table.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace hilo {
namespace {

// Rows of very different sizes, one of them all zeros.
constexpr size_t columns = 5;
constexpr std::array<float, 3 * columns> weights{1.0F,  -2.0F,  0.3F,     0.0F, 2.0F,
                                                 0.0F,  0.0F,   0.0F,     0.0F, 0.0F,
                                                 1e-4F, -3e-4F, 1.23e-4F, 0.0F, 7e-6F};

std::array<float, columns> row_of(Precision precision, size_t row) {
  const EmbeddingTable table({.data = weights.data(), .rows = 3, .columns = columns}, precision);
  std::array<float, columns> read{};
  table.read(row, read.data());
  return read;
}

TEST(EmbeddingTable, KeepsFloatsAsTheyAre) {
  for (size_t row = 0; row < 3; ++row)
    for (size_t i = 0; i < columns; ++i)
      EXPECT_EQ(row_of(Precision::fp32, row)[i], weights[row * columns + i]);
}

TEST(EmbeddingTable, RoundsToTheNearestBf16) {
  for (size_t row = 0; row < 3; ++row) {
    for (size_t i = 0; i < columns; ++i) {
      const float exact = weights[row * columns + i];
      EXPECT_NEAR(row_of(Precision::bf16, row)[i], exact, std::abs(exact) / 256);
    }
  }
}

TEST(EmbeddingTable, RoundsEachRowToStepsOfItsOwn) {
  constexpr std::array<float, 3> largest{2.0F, 0.0F, 3e-4F};
  for (size_t row = 0; row < 3; ++row) {
    const float half_a_step = largest[row] / 127 / 2;
    for (size_t i = 0; i < columns; ++i)
      EXPECT_NEAR(row_of(Precision::int8, row)[i], weights[row * columns + i],
                  half_a_step * 1.001F);
  }
  EXPECT_EQ(row_of(Precision::int8, 0)[4], 2.0F);
}

TEST(EmbeddingTable, TakesAQuarterInIntegers) {
  const Tensor rows{.data = weights.data(), .rows = 3, .columns = columns};
  EXPECT_EQ(EmbeddingTable(rows, Precision::fp32).bytes(), 3 * columns * 4);
  EXPECT_EQ(EmbeddingTable(rows, Precision::bf16).bytes(), 3 * columns * 2);
  EXPECT_EQ(EmbeddingTable(rows, Precision::int8).bytes(), 3 * columns + 3 * 4);
}

}  // namespace
}  // namespace hilo
