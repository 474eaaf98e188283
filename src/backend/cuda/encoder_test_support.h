// What tests of the whole encoder share: random models of every family, a batch with room for its
// vectors, and how near two vectors are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backend/backend.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/random_model.h"

namespace hilo {

inline constexpr EncoderConfig tiny = {.layers = 2,
                                       .hidden = 64,
                                       .heads = 2,
                                       .intermediate = 128,
                                       .vocabulary = 50,
                                       .positions_max = 80,
                                       .token_types = 2};

// Texts as one batch, and room for their vectors.
struct Batch {
  Batch(const Backend& backend, const std::vector<size_t>& lengths, uint32_t seed = 3) {
    std::mt19937 random(seed);
    for (const size_t length : lengths) {
      for (size_t i = 0; i < length; ++i) {
        ids.push_back(static_cast<uint32_t>(random()) % backend.vocabulary());
        types.push_back(static_cast<uint8_t>(random() % 2));
      }
      starts.push_back(static_cast<uint32_t>(ids.size()));
      vectors.emplace_back(backend.dims(), -7.0F);
    }
  }
  // The vectors of a text's tokens from that one on, instead of its own.
  void ask_for_tokens(const Backend& backend, size_t text, uint32_t from) {
    tokens_from.resize(vectors.size());
    tokens_from[text] = from;
    const uint32_t count = token_vectors(starts[text + 1] - starts[text], from);
    vectors[text].assign(count * slot_floats(backend.dims()), -7.0F);
  }
  // One of its texts as a batch.
  Batch alone(size_t text) const {
    Batch one = *this;
    const auto part = [&](auto& all) {
      all.erase(all.begin() + starts[text + 1], all.end());
      all.erase(all.begin(), all.begin() + starts[text]);
    };
    part(one.ids);
    part(one.types);
    one.starts = {0, starts[text + 1] - starts[text]};
    if (!raw.empty()) one.raw = {raw[text]};
    if (!tokens_from.empty()) one.tokens_from = {tokens_from[text]};
    one.vectors.assign(1, std::vector<float>(vectors[text].size(), -7.0F));
    return one;
  }

  TokenBatch tokens(bool with_types) const {
    return {.ids = ids,
            .types = with_types ? std::span{types} : std::span<const uint8_t>{},
            .sequence_start = starts,
            .raw = raw,
            .tokens_from = tokens_from};
  }
  bool run(const Backend& backend, Lane lane = Lane::high, bool with_types = false) {
    const auto workspace = backend.make_workspace(starts.back(), 1, lane);
    return backend.run(tokens(with_types), *workspace, YieldGate{}, pointers());
  }
  std::vector<float*> pointers() {
    std::vector<float*> places;
    for (std::vector<float>& vector : vectors) places.push_back(vector.data());
    return places;
  }

  std::vector<uint32_t> ids;
  std::vector<uint8_t> types;
  std::vector<uint8_t> raw;
  std::vector<uint32_t> tokens_from;
  std::vector<uint32_t> starts = {0};
  std::vector<std::vector<float>> vectors;
};

inline double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0.0, a_squares = 0.0, b_squares = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * double{b[i]};
    a_squares += double{a[i]} * double{a[i]};
    b_squares += double{b[i]} * double{b[i]};
  }
  return product / std::sqrt(a_squares * b_squares);
}

inline double length(const std::vector<float>& vector) {
  double squares = 0.0;
  for (const float number : vector) squares += double{number} * double{number};
  return std::sqrt(squares);
}

struct ModelCase {
  std::string name;
  Model model;
  bool with_types = false;
};

inline EncoderConfig changed(void (*change)(EncoderConfig&)) {
  EncoderConfig config = tiny;
  change(config);
  return config;
}

// What the families differ in, and what pooling there is.
inline std::vector<ModelCase> model_cases() {
  const EncoderConfig distilbert = changed([](EncoderConfig& c) { c.token_types = 0; });
  const EncoderConfig roberta = changed([](EncoderConfig& c) {
    c.token_types = 1;
    c.padding_id = 1;
  });
  const EncoderConfig mpnet = changed([](EncoderConfig& c) {
    c.token_types = 0;
    c.padding_id = 1;
    c.relative_bias = true;
  });
  const EncoderConfig small_heads = changed([](EncoderConfig& c) {
    c.hidden = 96;
    c.heads = 4;
    c.intermediate = 200;
  });
  std::vector<ModelCase> cases;
  cases.push_back({"bert", random_model(tiny), true});
  cases.push_back({"bert_last", random_model(tiny, Pooling::last, false)});
  cases.push_back({"distilbert", random_model(distilbert, Pooling::cls, true)});
  cases.push_back({"roberta", random_model(roberta)});
  cases.push_back({"mpnet", random_model(mpnet)});
  cases.push_back({"small_heads", random_model(small_heads)});
  cases.push_back({"cross_encoder", random_cross_encoder(tiny, ScoreFunction::identity), true});
  cases.push_back({"cross_encoder_sigmoid", random_cross_encoder(roberta, ScoreFunction::sigmoid)});
  return cases;
}

// How far a backend's vectors, or scores, are from those of the CPU in fp32, at worst.
struct Agreement {
  double cosine = 1.0;
  double length = 0.0;  // by which part it differs
  double score = 0.0;
};

inline Agreement agreement_with_cpu(const Backend& backend, const ModelCase& of,
                                    const std::vector<size_t>& lengths, CpuLevel level) {
  const auto cpu = *make_cpu_backend(of.model, Precision::fp32, level);
  Batch batch(backend, lengths);
  for (size_t text = 0; text < lengths.size(); ++text)
    batch.raw.push_back(static_cast<uint8_t>(text % 2));
  if (of.model.header.encoder.padding_id) batch.ids[8] = batch.ids[9] = 1;
  Batch expected = batch;
  EXPECT_TRUE(batch.run(backend, Lane::high, of.with_types));
  EXPECT_TRUE(expected.run(*cpu, Lane::high, of.with_types));
  Agreement worst;
  for (size_t text = 0; text < lengths.size(); ++text) {
    const std::vector<float>& vector = batch.vectors[text];
    const std::vector<float>& right = expected.vectors[text];
    if (backend.dims() == 1) {
      worst.score = std::max(worst.score, std::abs(double{vector[0]} - double{right[0]}));
    } else {
      worst.cosine = std::min(worst.cosine, cosine(vector, right));
      worst.length = std::max(worst.length, std::abs(length(vector) / length(right) - 1.0));
    }
  }
  return worst;
}

}  // namespace hilo
