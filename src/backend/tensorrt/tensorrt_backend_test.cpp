// The backend on an engine that is played: what it refuses, and what becomes of it when a call
// fails. What it computes is in backend/conformance_test.cpp.
#include "backend/tensorrt/tensorrt_backend.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cuda/encoder_test_support.h"
#include "backend/tensorrt/tensorrt_test_support.h"
#include "base/log.h"

namespace hilo {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class TensorRt : public testing::Test {
 protected:
  TensorRt() { set_log_level(LogLevel::error); }
  static std::string refusal(const FakeEngineOptions& options) {
    const PlayedTensorRt played(random_model(tiny), options);
    return refusal(played);
  }
  static std::string refusal(const PlayedTensorRt& played) {
    const auto backend = played.make();
    EXPECT_FALSE(backend);
    EXPECT_EQ(played.shim.alive() + played.driver.alive(), 0U);
    EXPECT_FALSE(played.shim.opened());
    EXPECT_FALSE(played.driver.opened());
    EXPECT_THAT(played.shim.complaints(), IsEmpty());
    return backend ? "" : backend.error().message;
  }
};

TEST_F(TensorRt, DescribesItself) {
  const PlayedTensorRt played(random_model(tiny));
  const auto backend = played.make();
  ASSERT_TRUE(backend) << backend.error().message;
  EXPECT_EQ((*backend)->describe(), "tensorrt 11.1.0 fp16 (fake device)");
  EXPECT_GT((*backend)->bytes(), 2U * 5000U);
}

TEST_F(TensorRt, RefusesEnginesOfAnotherForm) {
  EXPECT_THAT(refusal({.ids = tensorrt_fp32}), HasSubstr("takes input_ids as something else"));
  EXPECT_THAT(refusal({.output = tensorrt_other}), HasSubstr("than 64 numbers in fp32 a text"));
  EXPECT_THAT(refusal({.profiles_max = {{8, 80}}}), HasSubstr("has 1 profiles"));
  EXPECT_THAT(refusal({.profiles_max = {{8, 80}, {8, 79}}}),
              HasSubstr("texts of 79 tokens, and the model has up to 80"));
  EXPECT_THAT(refusal({.auxiliary_streams = 2}), HasSubstr("works on 2 more streams"));
  EXPECT_THAT(refusal({.extra_input = "position_ids"}),
              HasSubstr("an input that hilo does not know, position_ids"));
  EXPECT_THAT(refusal({.missing_input = "attention_mask"}),
              HasSubstr("does not take attention_mask"));
  EXPECT_THAT(refusal({.missing_input = "token_type_ids"}),
              HasSubstr("does not take token_type_ids"));
}

TEST_F(TensorRt, RefusesAnEngineOfAnotherModel) {
  PlayedTensorRt played(random_model(tiny));
  played.prepared.sources["config.json"] = "ab";
  EXPECT_THAT(refusal(played), HasSubstr("their config.json differs"));
  played.prepared.sources.erase("config.json");
  EXPECT_THAT(refusal(played), HasSubstr("their config.json differs"));
}

TEST_F(TensorRt, RefusesAnEngineWithOtherWeights) {
  PlayedTensorRt played(random_model(tiny));
  const std::string weights = "weights";
  const std::string digest = sha256(std::as_bytes(std::span{weights}));
  played.add_source("model.safetensors", weights, digest);
  played.prepared.sources["README.txt"] = "of a file that is not here";
  EXPECT_TRUE(played.make());
  played.add_source("model.safetensors", "trained further", digest);
  EXPECT_THAT(refusal(played), HasSubstr("their model.safetensors differs"));
}

TEST_F(TensorRt, RefusesAShapeThatIsNotTheModels) {
  PlayedTensorRt played(random_model(tiny));
  played.prepared.dims = 32;
  EXPECT_THAT(refusal(played), HasSubstr("of another shape"));
}

TEST_F(TensorRt, RefusesAnEngineThatPoolsOtherwise) {
  PlayedTensorRt played(random_model(tiny));
  played.prepared.pooling = "lasttoken";
  EXPECT_THAT(refusal(played), HasSubstr("pools by lasttoken, and"));
}

TEST_F(TensorRt, RefusesWhatIsNoEngineOfTensorRt) {
  PlayedTensorRt played(random_model(tiny));
  played.prepared.engine->stands_in = true;
  EXPECT_THAT(refusal(played), HasSubstr("run `hilo model build`"));
  played.prepared.engine.reset();
  EXPECT_THAT(refusal(played), HasSubstr("run `hilo model build`"));
}

TEST_F(TensorRt, RefusesAVocabularyThatDoesNotFitItsIds) {
  const PlayedTensorRt played(random_model(changed([](EncoderConfig& c) {
    c.hidden = 8;
    c.heads = 1;
    c.intermediate = 8;
    c.layers = 1;
    c.vocabulary = 65'537;
  })));
  EXPECT_THAT(refusal(played), HasSubstr("65537 ids"));
}

TEST_F(TensorRt, SaysWhyAnEngineIsNotLoaded) {
  const PlayedTensorRt played(random_model(tiny));
  const std::string other = "of another version";
  const auto backend = make_tensorrt_backend({.shim = played.shim.table(),
                                              .driver = played.driver.table(),
                                              .header = played.header,
                                              .prepared = played.prepared,
                                              .engine = std::as_bytes(std::span{other})},
                                             {});
  ASSERT_FALSE(backend);
  EXPECT_THAT(backend.error().message, HasSubstr("the content is of another version"));
}

TEST_F(TensorRt, RefusesWhereMemoryIsMissing) {
  EXPECT_THAT(refusal({.memory_bytes = uint64_t{2} << 30}), HasSubstr("MiB are missing"));
}

// The engine guarantees its backends ids of the vocabulary; whoever breaks that must not read what
// lies behind the table of embeddings.
TEST_F(TensorRt, IdsThatTheModelLacksBecomeItsLast) {
  const PlayedTensorRt played(random_model(tiny));
  const auto backend = played.make();
  ASSERT_TRUE(backend) << backend.error().message;
  Batch batch(**backend, {3, 3});
  batch.ids = {1, tiny.vocabulary - 1, 2, 1, tiny.vocabulary + 100, 2};
  ASSERT_TRUE(batch.run(**backend));
  EXPECT_EQ(batch.vectors[0], batch.vectors[1]);
  EXPECT_THAT(played.shim.complaints(), IsEmpty());
}

// Makes a backend, computes in both lanes, and ends. The sentence of the first error, or nothing.
std::string one_life(const PlayedTensorRt& played) {
  const auto backend = played.make();
  if (!backend) return backend.error().message;
  Batch batch(**backend, {70, 3});
  std::string errors;
  for (const Lane lane : {Lane::high, Lane::low, Lane::high})
    if (!batch.run(**backend, lane)) errors = "run";
  return errors;
}

// Goal: whichever call of either table fails, there is one sentence or a batch that failed, and
// nothing leaks or is used after its end. Method: each call once.
TEST_F(TensorRt, AnErrorInAnyCallIsARefusal) {
  const Model model = random_model(changed([](EncoderConfig& c) { c.layers = 1; }));
  uint64_t shim_calls = 0;
  uint64_t driver_calls = 0;
  {
    const PlayedTensorRt played(model);
    ASSERT_EQ(one_life(played), "");
    shim_calls = played.shim.calls();
    driver_calls = played.driver.calls();
  }
  ASSERT_GT(shim_calls, 30U);
  ASSERT_GT(driver_calls, 30U);
  for (uint64_t number = 0; number < shim_calls + driver_calls; ++number) {
    SCOPED_TRACE(testing::Message()
                 << "call " << number << ", from " << shim_calls << " on CUDA's");
    PlayedTensorRt played(model);
    if (number < shim_calls)
      played.shim.fail_call(number);
    else
      played.driver.fail_call(number - shim_calls);
    const std::string errors = one_life(played);
    EXPECT_TRUE(errors == "run" || errors.find("an injected error") != std::string::npos) << errors;
    EXPECT_EQ(played.shim.alive() + played.driver.alive(), 0U);
    EXPECT_THAT(played.shim.complaints(), IsEmpty());
    EXPECT_THAT(played.driver.complaints(), IsEmpty());
  }
}

}  // namespace
}  // namespace hilo
