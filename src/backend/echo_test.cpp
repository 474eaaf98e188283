#include "backend/echo.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace hilo {
namespace {

// Goal: anyone can compute an echo vector in another language and compare. Method: the first floats
// of two inputs, worked out by hand-written Python from the sentence in the header.
TEST(Echo, VectorIsTheDocumentedFunctionOfTheTokens) {
  std::array<float, 3> vector{};
  echo_vector({}, vector);
  EXPECT_EQ(vector[0], 0x1.0e05f00000000p-1F);
  EXPECT_EQ(vector[1], -0x1.bfcc980000000p-1F);
  EXPECT_EQ(vector[2], -0x1.59e2d80000000p-2F);
  echo_vector(std::vector<uint32_t>{'h', 'i'}, vector);
  EXPECT_EQ(vector[0], -0x1.fed0b00000000p-1F);
  EXPECT_EQ(vector[1], -0x1.ae91300000000p-2F);
  EXPECT_EQ(vector[2], 0x1.66f7080000000p-2F);
}

// Goal: each text gets its own vector, wherever it stands in the batch, and nothing is written past
// it. Method: three texts, one of them empty, into rows with a guard float behind each.
TEST(Echo, BatchGivesEachTextItsOwnVector) {
  const std::vector<uint32_t> ids = {'a', 'b', 'c', 'd', 'e'};
  const std::vector<uint32_t> starts = {0, 2, 2, 5};
  constexpr float guard = 7.0F;
  std::array<std::vector<float>, 3> rows;
  std::vector<float*> pointers;
  for (auto& row : rows) {
    row.assign(echo_dims + 1, guard);
    pointers.push_back(row.data());
  }
  const auto backend = make_echo_backend();
  const auto workspace = backend->make_workspace(5, 3);
  ASSERT_TRUE(backend->run({.ids = ids, .types = {}, .sequence_start = starts}, *workspace,
                           YieldGate{}, pointers));
  for (size_t text = 0; text < rows.size(); ++text) {
    std::vector<float> expected(echo_dims + 1, guard);
    echo_vector(std::span(ids).subspan(starts[text], starts[text + 1] - starts[text]),
                std::span(expected).first(echo_dims));
    EXPECT_EQ(rows[text], expected) << "text " << text;
  }
}

TEST(Echo, NullBackendLeavesVectorsAlone) {
  const std::vector<uint32_t> ids = {1, 2};
  const std::vector<uint32_t> starts = {0, 2};
  std::vector<float> row(echo_dims, 3.0F);
  float* const pointers[] = {row.data()};
  const auto backend = make_null_backend();
  const auto workspace = backend->make_workspace(2, 1);
  ASSERT_TRUE(backend->run({.ids = ids, .types = {}, .sequence_start = starts}, *workspace,
                           YieldGate{}, pointers));
  EXPECT_EQ(row, std::vector<float>(echo_dims, 3.0F));
}

}  // namespace
}  // namespace hilo
