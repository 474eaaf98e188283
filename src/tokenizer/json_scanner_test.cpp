#include "tokenizer/json_scanner.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hilo {
namespace {

std::optional<std::string> string_of(std::string_view text) {
  JsonScanner scanner(text);
  std::string value;
  if (!scanner.take_string(value) || !scanner.at_end()) return std::nullopt;
  return value;
}

// Goal: strings are read, and refused, as the other reader of JSON does it.
TEST(JsonScanner, StringsAreThoseOfAnotherReader) {
  for (const std::string_view text : {R"("")",
                                      R"("plain")",
                                      R"(" a b ")",
                                      R"("\"\\\/\b\f\n\r\t")",
                                      R"("\u0041\u00e9\u4e2d")",
                                      R"("\ud83d\ude00")",
                                      R"("\ud83d")",
                                      R"("\ud83dx")",
                                      R"("\ud83d\u0041")",
                                      R"("\ude00")",
                                      R"("\u12")",
                                      R"("\u12G4")",
                                      R"("\x")",
                                      R"("open)",
                                      "\"a\nb\"",
                                      "\"\x7f\"",
                                      "\"\xC3\xA9\"",
                                      "\"\xC3\"",
                                      "\"\xED\xA0\x80\"",
                                      R"("\)",
                                      R"("\u)",
                                      R"("\uD83D\)",
                                      R"(" "  )"}) {
    const nlohmann::json read = nlohmann::json::parse(text, nullptr, false);
    const std::optional<std::string> expected =
        read.is_string() ? std::optional(read.get<std::string>()) : std::nullopt;
    EXPECT_EQ(string_of(text), expected) << text;
  }
}

TEST(JsonScanner, NumbersAreThoseOfAnotherReader) {
  for (const std::string_view text : {"0", "-0", "12", "-1.5", "1.5e3", "2E-2", "1e+5", "01", "-",
                                      ".5", "1.", "1e", "1e+", "+1", "--1", "0x1", "1 ", "nan"}) {
    JsonScanner scanner(text);
    const bool taken = !scanner.take_number().empty() && scanner.at_end();
    EXPECT_EQ(taken, nlohmann::json::parse(text, nullptr, false).is_number()) << text;
  }
}

TEST(JsonScanner, ValuesEndWhereTheyEnd) {
  JsonScanner scanner(R"( {"a":[1,"]}\"",{}], "b":null} , "x\\" ,-1.5e3,true ])");
  EXPECT_EQ(scanner.take_value(), R"({"a":[1,"]}\"",{}], "b":null})");
  EXPECT_TRUE(scanner.take(','));
  EXPECT_EQ(scanner.take_value(), R"("x\\")");
  EXPECT_TRUE(scanner.take(','));
  EXPECT_EQ(scanner.take_value(), "-1.5e3");
  EXPECT_TRUE(scanner.take(','));
  EXPECT_EQ(scanner.take_value(), "true");
  EXPECT_EQ(scanner.take_value(), "");
}

TEST(JsonScanner, ValuesWithoutAnEndAreNone) {
  for (const std::string_view text : {"", " ", "{", "[1", "\"a", "\"a\\", "]", "{\"a"}) {
    EXPECT_EQ(JsonScanner(text).take_value(), "") << text;
  }
}

TEST(JsonScanner, ObjectsAndArraysAreWalked) {
  JsonScanner scanner(R"({"a": [1, 2], "b": [], "c": {}})");
  std::vector<std::string> seen;
  const auto take_item = [&] {
    seen.emplace_back(scanner.take_number());
    return true;
  };
  EXPECT_TRUE(scanner.take_object([&](const std::string& key) {
    seen.push_back(key);
    return scanner.next() == '[' ? scanner.take_array(take_item) : !scanner.take_value().empty();
  }));
  EXPECT_TRUE(scanner.at_end());
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "1", "2", "b", "c"}));
  for (const std::string_view text :
       {"{", R"({"a")", R"({"a":1)", R"({"a":1,})", R"({a:1})", "[]"}) {
    JsonScanner broken(text);
    EXPECT_FALSE(broken.take_object([&](const std::string&) {
      return !broken.take_number().empty();
    })) << text;
  }
}

}  // namespace
}  // namespace hilo
