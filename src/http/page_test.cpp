// The pages and the description of the routes.
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "http/page_files.h"
#include "http/response_head.h"
#include "http/router.h"
#include "http/routes.h"

namespace hilo::http {
namespace {

using testing::HasSubstr;
using testing::Not;

Response get(std::string_view path, std::vector<Header> headers = {}) {
  const Router router{all_routes()};
  const Limits limits;
  const auto found = router.find("GET", path);
  Request request;
  request.method = "GET";
  request.path = path;
  request.headers = std::move(headers);
  const Route& route = *std::get<const Route*>(found);
  const Answer answer = route.handle(request, {.limits = limits});
  if (const auto* const problem = std::get_if<Problem>(&answer))
    return route.write_problem(*problem);
  return std::get<Response>(answer);
}

std::string value_of(const Response& response, std::string_view name) {
  for (const auto& [header, value] : response.headers)
    if (header == name) return value;
  return "";
}

TEST(Page, EveryFileIsThereAndMayAskForNothingFromElsewhere) {
  for (const PageFile& file : page_files()) {
    const Response response = get("/page/" + std::string{file.name});
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.body, file.bytes);
    EXPECT_THAT(value_of(response, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(value_of(response, "Content-Security-Policy"), Not(HasSubstr("unsafe")));
    EXPECT_EQ(value_of(response, "X-Content-Type-Options"), "nosniff");
  }
  EXPECT_EQ(get("/").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(get("/page/live.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/page/../live.js").status, 404U);
}

TEST(Page, WhatIsKnownIsNotSentAgain) {
  const Response first = get("/");
  const std::string tag = value_of(first, "ETag");
  ASSERT_THAT(tag, testing::MatchesRegex("\"[0-9a-f]+\""));
  EXPECT_NE(tag, value_of(get("/docs"), "ETag"));
  EXPECT_EQ(get("/", {{"If-None-Match", "\"older\""}}).status, 200U);
  const std::string several = "\"older\", W/" + tag;
  const Response again = get("/", {{"if-none-match", several}});
  EXPECT_EQ(again.status, status_not_modified);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(value_of(again, "ETag"), tag);
  const std::string head = response_head(again, "now", true);
  EXPECT_THAT(head, testing::StartsWith("HTTP/1.1 304 Not Modified\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
}

// "/v1/models/{model}" is what a route calls "/v1/models/*".
std::string pattern_of(const std::string& path) {
  const size_t brace = path.find('{');
  return brace == std::string::npos ? path : path.substr(0, brace) + "*";
}

// Fails when a route is added, removed or renamed in one of the two places only.
TEST(OpenApi, DescribesTheRoutesThatThereAre) {
  const auto document = nlohmann::json::parse(get("/openapi.json").body);
  std::set<std::string> described;
  for (const auto& [path, item] : document["paths"].items())
    for (const auto& [method, operation] : item.items())
      described.insert(method + " " + pattern_of(path));
  std::set<std::string> there;
  for (const Route& route : all_routes())
    there.insert((route.method == "GET" ? "get " : "post ") + std::string{route.path});
  EXPECT_THAT(described, testing::ContainerEq(there));
}

}  // namespace
}  // namespace hilo::http
