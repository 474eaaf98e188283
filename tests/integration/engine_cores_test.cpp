// The engine with the CPU backend, whose HIGH workers assist each other. Tokens are bytes.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/random_model.h"
#include "engine_under_test.h"

namespace hilo {
namespace {

constexpr EncoderConfig tiny = {.layers = 2,
                                .hidden = 64,
                                .heads = 2,
                                .intermediate = 128,
                                .vocabulary = 256,
                                .positions_max = 300,
                                .token_types = 2};

std::vector<float> vector_of(const Backend& backend, const std::string& text) {
  const std::vector<uint32_t> ids(text.begin(), text.end());
  const uint32_t starts[] = {0, static_cast<uint32_t>(ids.size())};
  std::vector<float> vector(backend.dims());
  float* const vectors[] = {vector.data()};
  backend.run({.ids = ids, .types = {}, .sequence_start = starts},
              *backend.make_workspace(starts[1], 1), YieldGate{}, vectors);
  return vector;
}

// Goal: a text has the same bits whether one worker computed it or several together, while texts
// come one at a time and in bursts, beside LOW. Method: compare with the backend called directly.
TEST(EngineCores, VectorsDoNotDependOnWhoAssisted) {
  for (const Precision precision : {Precision::fp32, Precision::int8}) {
    const Model model = random_model(tiny);
    const auto backend = *make_cpu_backend(model, precision, *select_cpu_level());
    EngineUnderTest test{*backend, {.threads = 0, .tokens_max = 300, .prompts = {}}};
    hilo_client* const client = test.connect();
    for (int round = 0; round < 40; ++round) {
      const auto length = static_cast<size_t>(1 + round * 7 % 290);
      std::map<hilo_task, std::string> texts;
      for (int i = 0; i < 1 + round % 5; ++i) {
        const std::string text(length, static_cast<char>('a' + i));
        texts[submit(client, i == 4 ? HILO_LOW : HILO_HIGH, text)] = text;
      }
      for (size_t i = 0; i < texts.size(); ++i) {
        const hilo_result result = take_one(client);
        ASSERT_EQ(result.status, HILO_OK);
        EXPECT_EQ(std::vector<float>(result.vector, result.vector + backend->dims()),
                  vector_of(*backend, texts.at(result.task)))
            << length;
        EXPECT_EQ(hilo_release(client, result.task), HILO_OK);
      }
    }
    hilo_close(client);
  }
}

}  // namespace
}  // namespace hilo
