// The whole encoder on the GPU: against the CPU in fp32, and a text's bits whatever shares its
// batch.
//   HILO_TEST_MODEL=DIR  the directory of all-MiniLM-L6-v2; without it the tests of real weights
//   are
//                        skipped
#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "backend/cuda/device/on_device_test_support.h"
#include "backend/cuda/encoder_test_support.h"
#include "backend/cuda/kernels_test_support.h"

namespace hilo {
namespace {

class DeviceEncoder : public OnDevice, public testing::WithParamInterface<CudaFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, DeviceEncoder, testing::Values(cuda_bf16, cuda_fp16),
                         format_name);

// Random weights exaggerate: each layer's attention has strong preferences, and what is rounded in
// one is amplified by the next. bf16, with three bits less than fp16, shows it in six layers.
double cosine_min_of(CudaFormat format, uint32_t layers) {
  return format == cuda_bf16 && layers > 2 ? 0.999 : 0.9999;
}

TEST_P(DeviceEncoder, MatchesTheCpuForEveryFamilyOfTinyModels) {
  double lowest = 1.0;
  for (const ModelCase& of : model_cases()) {
    SCOPED_TRACE(of.name);
    const auto backend = make(of.model, GetParam(), 64);
    const Agreement worst = agreement_with_cpu(*backend, of, {1, 5, 40, 17}, best_cpu_level());
    EXPECT_GE(worst.cosine, 0.9999);
    EXPECT_LE(worst.length, 0.01);
    EXPECT_LE(worst.score, GetParam() == cuda_bf16 ? 0.06 : 0.01);
    lowest = std::min(lowest, worst.cosine);
  }
  RecordProperty("cosine_min", fmt::format("{:.6f}", lowest));
}

struct Shape {
  const char* name;
  EncoderConfig config;
  bool cross_encoder = false;
};

// In the sizes of models that people use, with fewer words, and layers where one is like the other.
std::vector<Shape> real_shapes() {
  const auto with = [](uint32_t layers, uint32_t hidden, uint32_t heads) {
    return EncoderConfig{.layers = layers,
                         .hidden = hidden,
                         .heads = heads,
                         .intermediate = 4 * hidden,
                         .vocabulary = 1000,
                         .positions_max = 514,
                         .token_types = 2};
  };
  EncoderConfig mpnet = with(2, 768, 12);
  mpnet.token_types = 0;
  mpnet.padding_id = 1;
  mpnet.relative_bias = true;
  EncoderConfig roberta = with(2, 1024, 16);
  roberta.token_types = 1;
  roberta.padding_id = 1;
  return {{"minilm", with(6, 384, 12)},
          {"bert_base", with(2, 768, 12)},
          {"mpnet_base", mpnet},
          {"roberta_large", roberta},
          {"cross_encoder", with(6, 384, 12), true}};
}

TEST_P(DeviceEncoder, MatchesTheCpuInRealSizes) {
  if (is_played()) GTEST_SKIP() << "too slow on the device that is played on the host";
  for (const Shape& shape : real_shapes()) {
    SCOPED_TRACE(shape.name);
    ModelCase of{.name = shape.name, .model = {}, .with_types = shape.config.token_types > 1};
    of.model = shape.cross_encoder ? random_cross_encoder(shape.config, ScoreFunction::identity)
                                   : random_model(shape.config);
    const auto backend = make(of.model, GetParam());
    const Agreement worst =
        agreement_with_cpu(*backend, of, {1, 10, 17, 64, 128, 200, 512}, best_cpu_level());
    EXPECT_GE(worst.cosine, cosine_min_of(GetParam(), shape.config.layers));
    EXPECT_LE(worst.length, 0.01);
    EXPECT_LE(worst.score, GetParam() == cuda_bf16 ? 0.1 : 0.03);
    RecordProperty(fmt::format("cosine_min_{}", shape.name), fmt::format("{:.6f}", worst.cosine));
    RecordProperty(fmt::format("score_off_{}", shape.name), fmt::format("{:.6f}", worst.score));
  }
}

// ---- The same bits

std::vector<size_t> lengths_of_all_kinds(const EncoderConfig& config) {
  std::vector<size_t> lengths;
  const auto longest = config.text_tokens_max();
  for (const size_t length : {1, 30, 33, 2, 80, 16, 17, 3, 3, 1, 1, 31, 32, 64, 65, 128, 200, 512})
    lengths.push_back(std::min<size_t>(length, longest));
  return lengths;
}

// Goal: a text's vector has the same bits whatever shares its batch, in whichever lane and bucket.
// Method: many texts at once, each alone, and each with the next ones up to every bucket's size.
void expect_the_same_bits(const Backend& backend, const std::vector<size_t>& lengths) {
  Batch together(backend, lengths);
  ASSERT_TRUE(together.run(backend));
  for (size_t text = 0; text < lengths.size(); ++text) {
    Batch alone = together.alone(text);
    ASSERT_TRUE(alone.run(backend, text % 2 == 0 ? Lane::low : Lane::high));
    EXPECT_TRUE(alone.vectors[0] == together.vectors[text])
        << "text " << text << " of " << lengths[text] << " tokens, alone";
    std::vector<size_t> first(lengths.begin(), lengths.begin() + static_cast<ptrdiff_t>(text) + 1);
    Batch some(backend, first);  // The same random ids.
    ASSERT_TRUE(some.run(backend, Lane::low));
    for (size_t other = 0; other <= text; ++other)
      EXPECT_TRUE(some.vectors[other] == together.vectors[other])
          << "text " << other << " among " << text + 1;
  }
}

TEST_P(DeviceEncoder, TinyVectorsDoNotDependOnTheBatch) {
  const auto backend = make(random_model(tiny), GetParam(), 64);
  expect_the_same_bits(*backend, is_played() ? std::vector<size_t>{1, 30, 33, 2, 17, 3}
                                             : lengths_of_all_kinds(tiny));
}

TEST_P(DeviceEncoder, VectorsInRealSizesDoNotDependOnTheBatch) {
  if (is_played()) GTEST_SKIP() << "too slow on the device that is played on the host";
  for (const Shape& shape : real_shapes()) {
    if (shape.cross_encoder) continue;
    SCOPED_TRACE(shape.name);
    const auto backend = make(random_model(shape.config), GetParam());
    expect_the_same_bits(*backend, lengths_of_all_kinds(shape.config));
  }
}

// Clients can write their ids while the device reads them.
TEST_P(DeviceEncoder, IdsBehindTheVocabularyAreItsLast) {
  const auto backend = make(random_model(tiny), GetParam(), 64);
  Batch last(*backend, {4, 9});
  Batch behind = last;
  last.ids[2] = tiny.vocabulary - 1;
  behind.ids[2] = 4'000'000'000U;
  ASSERT_TRUE(last.run(*backend));
  ASSERT_TRUE(behind.run(*backend));
  EXPECT_TRUE(behind.vectors == last.vectors);
}

// ---- Real weights

// Every eighth text of the golden ones, whose vectors sentence-transformers computed.
TEST_P(DeviceEncoder, RealWeightsGiveTheVectorsOfSentenceTransformers) {
  if (is_played()) GTEST_SKIP() << "too slow on the device that is played on the host";
  const char* directory = std::getenv("HILO_TEST_MODEL");
  if (directory == nullptr) GTEST_SKIP() << "HILO_TEST_MODEL names no model directory";
  const std::string golden = std::string{HILO_SOURCE_DIR} + "/tests/golden/embeddings_minilm";
  std::ifstream id_file(golden + ".ids.json");
  std::ifstream vector_file(golden + ".f32", std::ios::binary);
  if (!id_file || !vector_file) GTEST_SKIP() << golden << ".ids.json is not there";
  const auto header = read_model_header(directory);
  ASSERT_TRUE(header) << header.error().message;
  const auto model = load_model(*header);
  ASSERT_TRUE(model) << model.error().message;
  const auto backend = make(*model, GetParam());
  const auto ids = nlohmann::json::parse(id_file).get<std::vector<std::vector<uint32_t>>>();
  Batch batch(*backend, {});
  std::vector<std::vector<float>> right;
  for (size_t text = 0; text < ids.size(); text += 8) {
    batch.ids.insert(batch.ids.end(), ids[text].begin(), ids[text].end());
    batch.starts.push_back(static_cast<uint32_t>(batch.ids.size()));
    batch.vectors.emplace_back(backend->dims());
    auto& vector = right.emplace_back(backend->dims());
    const size_t bytes = vector.size() * sizeof(float);
    vector_file.seekg(static_cast<std::streamoff>(text * bytes));
    vector_file.read(reinterpret_cast<char*>(vector.data()), static_cast<std::streamsize>(bytes));
  }
  batch.types.assign(batch.ids.size(), 0);
  ASSERT_TRUE(batch.run(*backend, Lane::low));
  double lowest = 1.0;
  double sum = 0.0;
  for (size_t text = 0; text < right.size(); ++text) {
    const double here = cosine(batch.vectors[text], right[text]);
    lowest = std::min(lowest, here);
    sum += here;
  }
  EXPECT_GE(lowest, 0.9999);
  RecordProperty("cosine_min", fmt::format("{:.7f}", lowest));
  RecordProperty("cosine_mean", fmt::format("{:.7f}", sum / static_cast<double>(right.size())));
}

}  // namespace
}  // namespace hilo
