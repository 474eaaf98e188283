#include "http/cors.h"

#include <gtest/gtest.h>

namespace hilo::http {
namespace {

constexpr const char* page = "https://example.com:8443";

Request asks(std::string_view origin) {
  Request request;
  request.method = "OPTIONS";
  request.headers = {{"Origin", origin},
                     {"Access-Control-Request-Method", "POST"},
                     {"Access-Control-Request-Headers", "authorization,content-type"}};
  return request;
}

std::string header(const Response& response, std::string_view name) {
  for (const auto& [header, value] : response.headers)
    if (header == name) return value;
  return "";
}

std::string allowed(const Cors& cors, std::string_view origin) {
  Response response;
  cors.permit(asks(origin), response);
  return header(response, "Access-Control-Allow-Origin");
}

TEST(Cors, IsOffByDefault) {
  const Cors cors{{}};
  EXPECT_FALSE(cors.preflight(asks(page)));
  Response response;
  cors.permit(asks(page), response);
  EXPECT_TRUE(response.headers.empty());
}

TEST(Cors, LetsInWhomItNames) {
  const Cors cors{{page, "http://localhost"}};
  EXPECT_EQ(allowed(cors, page), page);
  EXPECT_EQ(allowed(cors, "http://localhost"), "http://localhost");
  for (const char* const other : {"https://example.com", "http://localhost:1", "null", ""}) {
    EXPECT_EQ(allowed(cors, other), "") << other;
    EXPECT_FALSE(cors.preflight(asks(other))) << other;
  }
  const auto answer = cors.preflight(asks(page));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204U);
  EXPECT_EQ(header(*answer, "Access-Control-Allow-Methods"), "GET, POST");
  EXPECT_EQ(header(*answer, "Access-Control-Allow-Headers"), "authorization,content-type");
}

TEST(Cors, TellsCachesThatOriginsDiffer) {
  Response response;
  Cors{{page}}.permit(asks("https://other"), response);
  EXPECT_EQ(header(response, "Vary"), "Origin");
}

TEST(Cors, MayBeForAll) {
  EXPECT_EQ(allowed(Cors{{"*"}}, page), "*");
  Request same_origin;
  Response response;
  Cors{{"*"}}.permit(same_origin, response);
  EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "");
}

TEST(Cors, OnlyAnswersBrowsersThatAsk) {
  const Cors cors{{page}};
  Request plain = asks(page);
  plain.headers.resize(1);
  EXPECT_FALSE(cors.preflight(plain));
  Request post = asks(page);
  post.method = "POST";
  EXPECT_FALSE(cors.preflight(post));
}

}  // namespace
}  // namespace hilo::http
