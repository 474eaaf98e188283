// The encoder with a real model against the vectors of sentence-transformers in tests/golden.
//   HILO_TEST_MODEL=DIR    the directory of all-MiniLM-L6-v2; without it the tests are skipped
//   HILO_TEST_TEXTS=all    all 1,000 texts at every level; by default the slower levels, and builds
//                          without optimization, take every eighth; sanitizers, which look at
//                          how memory is used and not at accuracy, every 64th
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "backend/cpu/choose_kernels.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/levels_test_support.h"

namespace hilo {
namespace {

constexpr size_t golden_dims = 384;

std::string golden_path(std::string_view name) {
  return fmt::format("{}/tests/golden/{}", HILO_SOURCE_DIR, name);
}

std::vector<std::vector<uint32_t>> golden_ids() {
  std::ifstream file(golden_path("embeddings_minilm.ids.json"));
  return nlohmann::json::parse(file).get<std::vector<std::vector<uint32_t>>>();
}

std::vector<float> golden_vectors(const char* name, size_t count) {
  std::vector<float> vectors(count * golden_dims);
  std::ifstream file(golden_path(name), std::ios::binary);
  file.read(reinterpret_cast<char*>(vectors.data()),
            static_cast<std::streamsize>(vectors.size() * sizeof(float)));
  EXPECT_TRUE(file.good()) << name << " is too short";
  return vectors;
}

// What a vector may differ from the golden one.
struct Tolerance {
  double component;
  double cosine;
};

Tolerance tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return {.component = 1e-4, .cosine = 0.99999};
    case Precision::bf16:
      return {.component = 3e-3, .cosine = 0.9999};
    case Precision::int8:
      return {.component = 3e-2, .cosine = 0.99};
  }
  return {};
}

// All texts take minutes where arithmetic is slow; those of every step are of all lengths.
size_t step_between_texts(CpuLevel level) {
  const char* wanted = std::getenv("HILO_TEST_TEXTS");
  if (wanted != nullptr && std::string_view(wanted) == "all") return 1;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return level == CpuLevel::scalar ? 256 : 64;
#elif defined(NDEBUG)
  if (level == best_cpu_level()) return 1;
#endif
  return level == CpuLevel::scalar ? 40 : 8;
}

// Components of a token's vector are some twelve times as large: it is not of length 1.
Tolerance tolerance_of_tokens(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return {.component = 1e-5, .cosine = 0.999999};
    case Precision::bf16:
      return {.component = 5e-2, .cosine = 0.999};
    case Precision::int8:
      return {.component = 5e-1, .cosine = 0.98};
  }
  return {};
}

struct Difference {
  double component = 0.0;
  double cosine = 1.0;
};

Difference difference_of(const float* vector, const float* golden) {
  Difference difference;
  double product = 0.0, squares = 0.0, golden_squares = 0.0;
  for (size_t i = 0; i < golden_dims; ++i) {
    const double a = vector[i];
    const double b = golden[i];
    difference.component = std::max(difference.component, std::abs(a - b));
    product += a * b;
    squares += a * a;
    golden_squares += b * b;
  }
  difference.cosine = product / std::sqrt(squares * golden_squares);
  return difference;
}

class Golden : public testing::TestWithParam<KernelCase> {};

INSTANTIATE_TEST_SUITE_P(Levels, Golden, testing::ValuesIn(kernel_cases_here()), name_of_case);

TEST_P(Golden, VectorsAreThoseOfSentenceTransformers) {
  const char* directory = std::getenv("HILO_TEST_MODEL");
  if (directory == nullptr) GTEST_SKIP() << "HILO_TEST_MODEL names no model directory";
  const auto header = *read_model_header(directory);
  ASSERT_EQ(header.dims(), golden_dims);
  const auto [level, precision] = GetParam();
  const auto backend = *make_cpu_backend(*load_model(header), precision, level);
  const Tolerance tolerance = tolerance_of(precision);

  const auto ids = golden_ids();
  ASSERT_EQ(ids.size(), 1000U);
  const std::vector<float> golden = golden_vectors("embeddings_minilm.f32", ids.size());
  const auto workspace = backend->make_workspace(header.tokens_max, 1);
  std::vector<float> vector(golden_dims);
  Difference worst;
  for (size_t text = 0; text < ids.size(); text += step_between_texts(level)) {
    const uint32_t starts[] = {0, static_cast<uint32_t>(ids[text].size())};
    float* const vectors[] = {vector.data()};
    ASSERT_TRUE(backend->run({.ids = ids[text], .types = {}, .sequence_start = starts}, *workspace,
                             YieldGate{}, vectors));
    const Difference here = difference_of(vector.data(), golden.data() + text * golden_dims);
    EXPECT_GE(here.cosine, tolerance.cosine) << "text " << text;
    EXPECT_LT(here.component, tolerance.component) << "text " << text;
    worst.cosine = std::min(worst.cosine, here.cosine);
    worst.component = std::max(worst.component, here.component);
  }
  RecordProperty("worst_cosine", fmt::format("{:.8f}", worst.cosine));
  RecordProperty("worst_component", fmt::format("{:.2e}", worst.component));
}

TEST_P(Golden, VectorsOfTokensAreThoseOfTransformers) {
  const char* directory = std::getenv("HILO_TEST_MODEL");
  if (directory == nullptr) GTEST_SKIP() << "HILO_TEST_MODEL names no model directory";
  const auto header = *read_model_header(directory);
  const auto [level, precision] = GetParam();
  const auto backend = *make_cpu_backend(*load_model(header), precision, level);
  const Tolerance tolerance = tolerance_of_tokens(precision);

  const auto all_ids = golden_ids();
  const auto workspace = backend->make_workspace(header.tokens_max, 1);
  const std::vector<float> golden = golden_vectors("tokens_minilm.f32", 53);
  const float* next = golden.data();
  Difference worst;
  for (const size_t count : {2U, 3U, 5U, 9U, 14U, 20U}) {
    const auto& ids =
        *std::ranges::find_if(all_ids, [&](const auto& text) { return text.size() == count; });
    const uint32_t starts[] = {0, static_cast<uint32_t>(count)};
    const uint32_t tokens_from[] = {1};
    std::vector<float> rows(count * golden_dims);
    float* const vectors[] = {rows.data()};
    ASSERT_TRUE(backend->run(
        {.ids = ids, .types = {}, .sequence_start = starts, .raw = {}, .tokens_from = tokens_from},
        *workspace, YieldGate{}, vectors));
    for (size_t token = 0; token < count; ++token, next += golden_dims) {
      const Difference here = difference_of(&rows[token * golden_dims], next);
      EXPECT_GE(here.cosine, tolerance.cosine) << count << " tokens, " << token;
      EXPECT_LT(here.component, tolerance.component) << count << " tokens, " << token;
      worst.cosine = std::min(worst.cosine, here.cosine);
      worst.component = std::max(worst.component, here.component);
    }
  }
  RecordProperty("worst_cosine", fmt::format("{:.8f}", worst.cosine));
  RecordProperty("worst_component", fmt::format("{:.2e}", worst.component));
}

}  // namespace
}  // namespace hilo
