#include "http/api_keys.h"

#include <gtest/gtest.h>

#include "http/access.h"
#include "http/health.h"
#include "http/openai.h"

namespace hilo::http {
namespace {

constexpr const char* search = "sk-0123456789abcdef-search";
constexpr const char* indexer = "sk-0123456789abcdef-index";
constexpr const char* file = R"(
# who       what
sk-0123456789abcdef-search  search lane=high   # a user waits
sk-0123456789abcdef-index   indexer max=low
  sk-0123456789abcdef-plain
sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 empty lane=low max=high
)";

TEST(ApiKeys, HaveNamesAndLanes) {
  const auto keys = ApiKeys::parse(file, LaneWish::automatic);
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->size(), 4U);
  const Caller* const high = keys->find(search);
  ASSERT_NE(high, nullptr);
  EXPECT_EQ(high->name, "search");
  EXPECT_EQ(high->lanes.otherwise, LaneWish::high);
  EXPECT_EQ(high->lanes.lane_max, Lane::high);
  const Caller* const low = keys->find(indexer);
  ASSERT_NE(low, nullptr);
  EXPECT_EQ(low->lanes.otherwise, LaneWish::low) << "what it may use at most";
  EXPECT_EQ(low->lanes.lane_max, Lane::low);
  const Caller* const plain = keys->find("sk-0123456789abcdef-plain");
  ASSERT_NE(plain, nullptr);
  EXPECT_EQ(plain->name, "");
  EXPECT_EQ(plain->lanes.otherwise, LaneWish::automatic);
  // The hash of nothing.
  const Caller* const hashed = keys->find("");
  ASSERT_NE(hashed, nullptr);
  EXPECT_EQ(hashed->name, "empty");
}

TEST(ApiKeys, OthersAreNotKnown) {
  const auto keys = ApiKeys::parse(file, LaneWish::automatic);
  ASSERT_TRUE(keys);
  for (const std::string& wrong :
       {std::string{"search"}, std::string{search} + "x", std::string{search}.substr(1),
        std::string{"sk-0123456789ABCDEF-search"}, std::string{"#"}})
    EXPECT_EQ(keys->find(wrong), nullptr) << wrong;
}

TEST(ApiKeys, AWrongLineIsToldByItsNumberAndWithoutItsKey) {
  const std::string key = "sk-0123456789abcdef";
  for (const std::string& line :
       {std::string{"short"}, key + " two names", key + " lane=urgent", key + " lane=low lane=low",
        key + " max=auto", key + " lane=high max=low", key + " maximum=low",
        std::string{"sha256:12"}, "sha256:" + std::string(64, 'x'), key + "\n" + key,
        std::string{"sk-0123456789abcd\x80"}}) {
    const auto keys = ApiKeys::parse("\n" + line, LaneWish::automatic);
    ASSERT_FALSE(keys) << line;
    EXPECT_TRUE(keys.error().message.starts_with("line ")) << keys.error().message;
    EXPECT_EQ(keys.error().message.find(key), std::string::npos);
  }
  EXPECT_FALSE(ApiKeys::parse("# nothing\n\n", LaneWish::automatic));
  EXPECT_FALSE(ApiKeys::read("/nonexistent/keys", LaneWish::automatic));
}

TEST(Access, TakesAKeyFromEitherHeader) {
  Access access{LanePolicy{}};
  const Route route = openai_routes()[0];
  Request request;
  EXPECT_TRUE(access.admit(route, request)) << "nobody needs a key";
  access.set_keys(*ApiKeys::parse(file, LaneWish::automatic));
  const auto admitted = [&](std::vector<Header> headers) -> std::string {
    request.headers = std::move(headers);
    const auto caller = access.admit(route, request);
    if (caller) return caller->name;
    EXPECT_EQ(caller.error().kind, ProblemKind::unauthorized);
    return "nobody";
  };
  const std::string bearer = std::string{"Bearer "} + search;
  EXPECT_EQ(admitted({{"authorization", bearer}}), "search");
  EXPECT_EQ(admitted({{"Authorization", std::string{"bearer   "} + search}}), "search");
  EXPECT_EQ(admitted({{"x-api-key", indexer}}), "indexer");
  EXPECT_EQ(admitted({}), "nobody");
  EXPECT_EQ(admitted({{"Authorization", search}}), "nobody");
  EXPECT_EQ(admitted({{"Authorization", "Bearer "}}), "nobody");
  EXPECT_EQ(admitted({{"Authorization", "Basic eDp5"}, {"X-Api-Key", indexer}}), "nobody");
  request.headers.clear();
  EXPECT_TRUE(access.admit(health_routes()[0], request));
}

}  // namespace
}  // namespace hilo::http
