// For tests: the header of a test model, or why it was refused.
#pragma once

#include <utility>

#include <gtest/gtest.h>

#include "model/model.h"
#include "model/model_test_support.h"

namespace hilo::test {

inline Result<ModelHeader> header_of(const TestModel& model) {
  const TemporaryDirectory directory;
  model.write_configuration(directory.path());
  return read_model_header(directory.path());
}

inline ModelHeader accepted(const TestModel& model) {
  Result<ModelHeader> header = header_of(model);
  EXPECT_TRUE(header) << header.error().message;
  return header ? *std::move(header) : ModelHeader{};
}

}  // namespace hilo::test
