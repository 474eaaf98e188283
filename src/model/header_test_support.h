// For tests: the header of a test model, or why it was refused and what such a sentence says.
#pragma once

#include <string>
#include <utility>

#include <gmock/gmock.h>
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

// Matches a refusal that names the file and the cause.
inline auto says(const std::string& file, const std::string& cause) {
  return testing::AllOf(testing::HasSubstr("/" + file + ": "), testing::HasSubstr(cause));
}

}  // namespace hilo::test
