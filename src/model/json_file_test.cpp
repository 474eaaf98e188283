// Goal: hostile JSON is refused before it costs memory, and a value of the wrong kind is named.
#include "model/json_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/model_test_support.h"

namespace hilo {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string json_refusal(std::string_view text) {
  const Result<Json> value = parse_json(text, "some.json");
  return value ? "(accepted)" : value.error().message;
}

auto names_json_and(const std::string& cause) {
  return AllOf(HasSubstr("some.json: "), HasSubstr(cause));
}

TEST(JsonFile, RefusesWhatIsNotJson) {
  for (const char* text : {"", " ", "{", "{\"a\":}", "nul", "{'a':1}", "{\"a\":NaN}", "[1,]",
                           "{\"a\":1e999}", "\"\xC3\x28\"", "{} x", "\"\\ud800\""}) {
    EXPECT_THAT(json_refusal(text), names_json_and("is not valid JSON")) << text;
  }
}

TEST(JsonFile, BoundsNestingAndNumberOfValues) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(json_refusal(nested(json_depth_max)), "(accepted)");
  EXPECT_THAT(json_refusal(nested(json_depth_max + 1)),
              names_json_and("is nested more than 32 deep"));

  std::string list = "[0";
  for (size_t i = 2; i < json_values_max; ++i) list += ",0";  // The list is a value, too.
  EXPECT_EQ(json_refusal(list + "]"), "(accepted)");
  EXPECT_THAT(json_refusal(list + ",0]"), names_json_and("holds more than 1000000 JSON values"));
}

TEST(JsonFile, RefusesAKeyGivenTwiceAtOneLevelOnly) {
  EXPECT_EQ(json_refusal(R"({"a":{"a":1},"b":{"a":2}})"), "(accepted)");
  EXPECT_THAT(json_refusal(R"({"b":{"a":1,"a":1}})"), names_json_and("gives \"a\" twice"));
}

TEST(JsonFile, RefusesAFileThatIsTooLarge) {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "some.json";
  test::write_file(path, "{}");
  EXPECT_TRUE(read_json_file(path));
  std::filesystem::resize_file(path, config_bytes_max + 1);
  const Result<Json> value = read_json_file(path);
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().message, names_json_and("has 16777217 bytes, but at most 16777216"));
}

TEST(ConfigReader, ReadsEachKindAndTakesNullForAbsent) {
  const Json value = Json::parse(
      R"({"count":7,"number":0.5,"flag":true,"text":"x","list":["a","b"],"nothing":null})");
  ConfigReader reader{value, "some.json"};
  EXPECT_EQ(reader.count("count", 7, 7), 7U);
  EXPECT_EQ(reader.count("nothing", 1, 9, 3), 3U);
  EXPECT_EQ(reader.count_clamped("count", 1, 5, 2), 5U);
  EXPECT_EQ(reader.number("number", 0, 1, 0.25), 0.5);
  EXPECT_EQ(reader.number("nothing", 0, 1, 0.25), 0.25);
  EXPECT_TRUE(reader.flag("flag", false));
  EXPECT_TRUE(reader.flag("nothing", true));
  EXPECT_EQ(reader.text("text", "y"), "x");
  EXPECT_EQ(reader.text("absent", "y"), "y");
  EXPECT_EQ(reader.texts("list"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(reader.texts("text"), (std::vector<std::string>{"x"}));
  EXPECT_TRUE(reader.texts("absent").empty());
  EXPECT_FALSE(reader.has("nothing"));
  EXPECT_TRUE(reader.ok());
}

TEST(ConfigReader, NamesTheKeyAndTheValueItRefuses) {
  const auto count_refusal = [](const char* text) {
    const Json value = Json::parse(fmt::format(R"({{"count":{}}})", text));
    ConfigReader reader{value, "some.json"};
    reader.count("count", 1, 100);
    return reader.ok() ? "(accepted)" : reader.error().message;
  };
  EXPECT_EQ(count_refusal("100"), "(accepted)");
  for (const char* text : {"0", "101", "-1", "1.5", "1e2", "\"7\"", "[7]", "true", "{}",
                           "18446744073709551615", "99999999999999999999999"}) {
    EXPECT_THAT(count_refusal(text), names_json_and("count must be a whole number from 1 to 100"))
        << text;
  }
  EXPECT_THAT(count_refusal("-1"), HasSubstr("but it is -1"));
}

TEST(ConfigReader, KeepsTheFirstError) {
  const Json value = Json::parse(R"({"a":"x","b":"y"})");
  ConfigReader reader{value, "some.json"};
  EXPECT_EQ(reader.flag("a", true), true);
  EXPECT_EQ(reader.number("b", 0, 1, 0.5), 0.5);
  EXPECT_THAT(reader.error().message, names_json_and("a must be true or false, but it is \"x\""));
}

TEST(ConfigReader, RefusesWhatIsNoObject) {
  const Json value = Json::parse("[1]");
  ConfigReader reader{value, "some.json"};
  EXPECT_FALSE(reader.has("a"));
  EXPECT_THAT(reader.error().message, names_json_and("must hold a JSON object"));
}

}  // namespace
}  // namespace hilo
