#include "http/json_writer.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hilo::http {
namespace {

using nlohmann::json;

std::string written(std::string_view text) {
  std::string out;
  append_json_text(out, text);
  return out;
}

TEST(JsonText, ReadsBackAsItWas) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  const std::string wide = "gr\xc3\xb6\xc3\x9f \xe5\x9b\xbe \xf0\x9f\x99\x82";
  for (const std::string& text : {std::string{}, all, wide})
    EXPECT_EQ(json::parse(written(text)).get<std::string>(), text);
}

// Goal: whatever a path or a name holds, the response is JSON. Method: every way to break UTF-8,
// with how many bytes of it are no part of a character.
TEST(JsonText, WhatIsNotUtf8IsReplaced) {
  struct Row {
    std::string_view text;
    size_t replaced;
  };
  const Row rows[] = {{"\x80", 1},
                      {"\xff", 1},
                      {"\xc0\xaf", 2},          // longer than need be
                      {"\xe0\x80\xaf", 3},      // the same
                      {"\xf0\x80\x80\xaf", 4},  // the same
                      {"\xed\xa0\x80", 3},      // half of a surrogate pair
                      {"\xf4\x90\x80\x80", 4},  // beyond U+10FFFF
                      {"\xf5\x80\x80\x80", 4},
                      {"\xe5\x9b", 2},  // cut short
                      {"\xf0\x9f\x99", 3},
                      {"\xc3", 1}};
  for (const Row& row : rows) {
    std::string expected = "\"a";
    for (size_t i = 0; i < row.replaced; ++i) expected += "\xef\xbf\xbd";
    const std::string text = "a" + std::string{row.text};
    EXPECT_EQ(written(text + "b"), expected + "b\"");
    EXPECT_EQ(written(text), expected + '"');
  }
}

TEST(JsonNumber, IsShortestAndNeverNotANumber) {
  std::string out;
  append_json_vector(out, std::array{0.1F, -0.0F, 1e-45F, std::numeric_limits<float>::max(),
                                     std::numeric_limits<float>::infinity(),
                                     std::numeric_limits<float>::quiet_NaN()});
  EXPECT_EQ(out, "[0.1,-0,1e-45,3.4028235e+38,null,null]");
}

// Goal: the numbers that are written in a way of their own are those of std::to_chars, too.
// Method: both bounds of that way with their neighbours, and numbers of all sizes.
TEST(JsonNumber, IsThatOfTheStandardLibrary) {
  std::vector<float> numbers;
  for (const float bound : {0.001F, 0.01F, 0.1F, 0.5F, 1.0F})
    for (const float number : {std::nextafter(bound, 0.0F), bound, std::nextafter(bound, 2.0F)})
      numbers.insert(numbers.end(), {number, -number});
  std::minstd_rand random{1};
  for (int i = 0; i < 20'000; ++i) {
    const auto sign_and_mantissa = static_cast<uint32_t>(random()) & 0x807fffffU;
    for (uint32_t exponent = 0; exponent < 255; exponent += i % 100 == 0 ? 1 : 127)
      numbers.push_back(std::bit_cast<float>(sign_and_mantissa | exponent << 23));
    for (const uint32_t exponent : {117U, 120U, 123U, 126U})  // 0.001 up to 1
      numbers.push_back(std::bit_cast<float>(sign_and_mantissa | exponent << 23));
  }
  for (const float number : numbers) {
    std::array<char, 32> expected;
    const auto end = std::to_chars(expected.data(), expected.data() + expected.size(), number).ptr;
    std::string out;
    append_json_number(out, number);
    ASSERT_EQ(out, std::string_view(expected.data(), end));
  }
}

}  // namespace
}  // namespace hilo::http
