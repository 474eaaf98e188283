// Each family of encoders against what transformers computes: the small models of
// tests/golden/families, which tools/golden_families.py makes.
#include <cmath>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/levels_test_support.h"

namespace hilo {
namespace {

struct Text {
  std::vector<uint32_t> ids;
  std::vector<uint8_t> types;
  std::vector<float> vector;
};

std::string directory_of(const std::string& name) {
  return fmt::format("{}/tests/golden/families/{}", HILO_SOURCE_DIR, name);
}

std::vector<Text> read_expected(const std::string& name) {
  std::ifstream file(directory_of(name) + "/expected.json");
  std::vector<Text> texts;
  for (const nlohmann::json& text : nlohmann::json::parse(file)) {
    texts.push_back({text["ids"], text["types"], text["vector"]});
  }
  return texts;
}

Model load(const std::string& name) {
  const Result<ModelHeader> header = read_model_header(directory_of(name));
  EXPECT_TRUE(header) << header.error().message;
  Result<Model> model = load_model(*header);
  EXPECT_TRUE(model) << model.error().message;
  return *std::move(model);
}

// All texts as one batch.
std::vector<std::vector<float>> encode(const Backend& backend, const std::vector<Text>& texts) {
  std::vector<uint32_t> ids;
  std::vector<uint8_t> types;
  std::vector<uint32_t> starts = {0};
  std::vector<std::vector<float>> vectors(texts.size(), std::vector<float>(backend.dims()));
  std::vector<float*> pointers;
  for (size_t i = 0; i < texts.size(); ++i) {
    ids.insert(ids.end(), texts[i].ids.begin(), texts[i].ids.end());
    types.insert(types.end(), texts[i].types.begin(), texts[i].types.end());
    starts.push_back(static_cast<uint32_t>(ids.size()));
    pointers.push_back(vectors[i].data());
  }
  const auto workspace = backend.make_workspace(starts.back(), 1);
  EXPECT_TRUE(backend.run({.ids = ids, .types = types, .sequence_start = starts}, *workspace,
                          YieldGate{}, pointers));
  return vectors;
}

// How far rounding may carry a vector of these small models.
struct Tolerance {
  float component;  // against a vector of length 1, or a score
  double cosine;
};

Tolerance tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return {.component = 1e-4F, .cosine = 0.99999};
    case Precision::bf16:
      return {.component = 0.02F, .cosine = 0.9999};
    case Precision::int8:
      break;
  }
  return {.component = 0.04F, .cosine = 0.999};
}

void expect_near(const std::vector<float>& vector, const std::vector<float>& expected,
                 const Tolerance& tolerance) {
  ASSERT_EQ(vector.size(), expected.size());
  double product = 0.0, squares = 0.0, expected_squares = 0.0;
  for (size_t i = 0; i < vector.size(); ++i) {
    EXPECT_NEAR(vector[i], expected[i], tolerance.component) << "component " << i;
    product += double{vector[i]} * double{expected[i]};
    squares += double{vector[i]} * double{vector[i]};
    expected_squares += double{expected[i]} * double{expected[i]};
  }
  EXPECT_GE(product / std::sqrt(squares * expected_squares), tolerance.cosine);
}

class Families : public testing::TestWithParam<KernelCase> {
 protected:
  static void expect_vectors_of_transformers(const std::string& name) {
    const auto [level, precision] = GetParam();
    const auto backend = *make_cpu_backend(load(name), precision, level);
    const std::vector<Text> texts = read_expected(name);
    ASSERT_FALSE(texts.empty());
    const std::vector<std::vector<float>> vectors = encode(*backend, texts);
    for (size_t i = 0; i < texts.size(); ++i) {
      SCOPED_TRACE(fmt::format("text {}", i));
      expect_near(vectors[i], texts[i].vector, tolerance_of(precision));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Levels, Families, testing::ValuesIn(kernel_cases_here()), name_of_case);

TEST_P(Families, DistilBert) { expect_vectors_of_transformers("distilbert"); }
TEST_P(Families, Roberta) { expect_vectors_of_transformers("roberta"); }
TEST_P(Families, XlmRoberta) { expect_vectors_of_transformers("xlm_roberta"); }
TEST_P(Families, MpNet) { expect_vectors_of_transformers("mpnet"); }
TEST_P(Families, BertWithLastToken) { expect_vectors_of_transformers("bert_last_token"); }
TEST_P(Families, BertCrossEncoder) { expect_vectors_of_transformers("bert_cross_encoder"); }
TEST_P(Families, MpNetCrossEncoder) { expect_vectors_of_transformers("mpnet_cross_encoder"); }
TEST_P(Families, XlmRobertaCrossEncoder) {
  expect_vectors_of_transformers("xlm_roberta_cross_encoder");
}

}  // namespace
}  // namespace hilo
