#include "http/request_tag.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hilo::http {
namespace {

using testing::MatchesRegex;

constexpr const char* trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Request with(std::vector<Header> headers) {
  Request request;
  request.headers = std::move(headers);
  return request;
}

TEST(RequestTags, KeepWhatTheClientSays) {
  RequestTags tags;
  const RequestTag tag =
      tags.of(with({{"x-request-id", "req_12:34/a+b=c@d.e"}, {"Traceparent", trace}}));
  EXPECT_EQ(tag.id, "req_12:34/a+b=c@d.e");
  EXPECT_EQ(tag.traceparent, trace);
  EXPECT_EQ(tag.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(RequestTags, AreMadeWhereThereIsNoneThatIsSafe) {
  RequestTags tags;
  const RequestTag first = tags.of(with({}));
  EXPECT_THAT(first.id, MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(first.traceparent, "");
  EXPECT_EQ(first.trace_id(), "");
  EXPECT_NE(tags.of(with({})).id, first.id);
  for (const std::string& unsafe :
       {std::string{}, std::string{"a b"}, std::string{"a\"b"}, std::string{"\x1b[2J"},
        std::string{"h\xc3\xa4"}, std::string(129, 'a')})
    EXPECT_THAT(tags.of(with({{"X-Request-Id", unsafe}})).id, MatchesRegex("[0-9a-f]{32}"))
        << unsafe;
}

TEST(Traceparent, IsWhatTheStandardSays) {
  EXPECT_TRUE(is_traceparent(trace));
  const std::string text = trace;
  EXPECT_TRUE(is_traceparent("cc" + text.substr(2) + "-more"));
  for (const std::string& wrong :
       {text + "-more", "ff" + text.substr(2), text.substr(0, 54), "0x" + text.substr(2),
        "00-" + std::string(32, '0') + text.substr(35), text.substr(0, 36) + "0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736" + text.substr(35), "cc" + text.substr(2) + "more"})
    EXPECT_FALSE(is_traceparent(wrong)) << wrong;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string broken = text;
    broken[i] = '_';
    EXPECT_FALSE(is_traceparent(broken)) << broken;
  }
}

}  // namespace
}  // namespace hilo::http
