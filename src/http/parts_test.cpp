// The small parts: routes, packed bodies, room, addresses, the bulk thread.
#include <poll.h>
#include <thread>
#include <zlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/bulk_thread.h"
#include "http/gzip.h"
#include "http/lane_room.h"
#include "http/listener.h"
#include "http/openai.h"
#include "http/router.h"

namespace hilo::http {
namespace {

TEST(Router, FindsByMethodAndPath) {
  const Router router{openai_routes()};
  const auto path_of = [&](std::string_view method, std::string_view path) -> std::string {
    const auto found = router.find(method, path);
    if (const auto* route = std::get_if<const Route*>(&found)) return std::string{(*route)->path};
    if (const auto* wrong = std::get_if<WrongMethod>(&found)) return "only " + wrong->allowed;
    return "";
  };
  EXPECT_EQ(path_of("POST", "/v1/embeddings"), "/v1/embeddings");
  EXPECT_EQ(path_of("GET", "/v1/models/org/name"), "/v1/models/*");
  EXPECT_EQ(path_of("HEAD", "/v1/models"), "/v1/models");
  EXPECT_EQ(path_of("GET", "/v1/embeddings"), "only POST");
  EXPECT_EQ(path_of("DELETE", "/v1/models"), "only GET, HEAD");
  EXPECT_EQ(path_of("GET", "/v1/models/"), "");
  EXPECT_EQ(path_of("GET", "/v1"), "");
}

TEST(Router, SplitsTheLaneOffThePath) {
  EXPECT_EQ(split_lane("/high/v1/embeddings").path, "/v1/embeddings");
  EXPECT_EQ(split_lane("/high/v1/embeddings").lane, LaneWish::high);
  EXPECT_EQ(split_lane("/low").path, "/");
  EXPECT_EQ(split_lane("/lower/v1").path, "/lower/v1");
  EXPECT_FALSE(split_lane("/v1/high").lane);
}

std::string pack(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(::deflateBound(&stream, text.size()) + 64, '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return packed;
}

TEST(Gzip, UnpacksUpToTheLimit) {
  const std::string text(300'000, 'a');
  const std::string packed = pack(text);
  const auto whole = unpack_gzip(packed, text.size());
  ASSERT_TRUE(whole);
  EXPECT_EQ(*whole, text);
  const auto too_large = unpack_gzip(packed, text.size() - 1);
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().kind, ProblemKind::body_too_large);
}

TEST(Gzip, RefusesWhatIsBroken) {
  const std::string packed = pack("hello");
  EXPECT_TRUE(unpack_gzip(packed, 100));
  for (size_t bytes = 0; bytes < packed.size(); ++bytes)
    EXPECT_FALSE(unpack_gzip(packed.substr(0, bytes), 100)) << bytes;
  EXPECT_FALSE(unpack_gzip(packed + "x", 100));
  EXPECT_FALSE(unpack_gzip("hello", 100));
}

TEST(LaneRoom, IsBoundedAndGivenBack) {
  LaneRoom room{10};
  EXPECT_TRUE(room.take(25, 1)) << "alone, a large request gets in";
  EXPECT_FALSE(room.take(1, 1));
  EXPECT_EQ(room.texts_held(), 1U) << "what is refused is not held";
  room.give_back(25, 1);
  EXPECT_TRUE(room.take(6, 3));
  EXPECT_FALSE(room.take(5, 1));
  EXPECT_TRUE(room.take(4, 2));
  {
    RoomTaken taken{room, 4, 2};
    taken.shrink_to(1);
    EXPECT_EQ(room.held(), 7U);
    EXPECT_EQ(room.texts_held(), 5U);
  }
  EXPECT_EQ(room.held(), 6U);
  EXPECT_EQ(room.texts_held(), 3U);
}

TEST(LaneRoom, TellsWhenThereWillBeRoom) {
  EXPECT_EQ(retry_after_ms(500, 1000), 500U);
  EXPECT_EQ(retry_after_ms(1, 1000), retry_ms_min);
  EXPECT_EQ(retry_after_ms(1'000'000, 1), retry_ms_max);
  EXPECT_EQ(retry_after_ms(5, 0), 1000U);
}

// Goal: the pace is known from the first moment, and that of now counts more than that of a minute
// ago.
TEST(LaneRoom, KnowsItsPace) {
  LaneRoom room{100};
  ASSERT_TRUE(room.take(100, 100));
  EXPECT_EQ(room.retry_ms(50), 1000U) << "nothing is known yet";
  const auto work = [&](size_t texts_in_a_tick, int ticks) {
    for (int i = 0; i < ticks; ++i) {
      room.count_answered(texts_in_a_tick);
      room.count_work(100 * millisecond_ns);
    }
  };
  work(10, 1);
  EXPECT_NEAR(room.retry_ms(50), 500, 5);
  work(10, 1000);
  EXPECT_NEAR(room.retry_ms(50), 500, 5);
  work(100, 300);
  EXPECT_NEAR(room.retry_ms(50), retry_ms_min, 5);
}

TEST(ListenAddress, HasThreeForms) {
  const auto port = parse_listen_address("8080");
  ASSERT_TRUE(port);
  EXPECT_EQ(port->host, "127.0.0.1");
  EXPECT_EQ(port->port, "8080");
  const auto v6 = parse_listen_address("[::1]:80");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  const auto path = parse_listen_address("unix:/run/x.sock");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->unix_path, "/run/x.sock");
  for (const char* const wrong : {"", ":", "x", "host:", ":80", "80x", "65536", "unix:"})
    EXPECT_FALSE(parse_listen_address(wrong)) << wrong;
}

// Goal: work is done elsewhere in order, and what follows it here.
TEST(BulkThread, WorksThereAndFollowsUpHere) {
  BulkThread bulk;
  const auto here = std::this_thread::get_id();
  std::vector<int> done;
  int followed_up = 0;
  for (int i = 0; i < 100; ++i)
    bulk.run(
        [&done, here, i] {
          EXPECT_NE(std::this_thread::get_id(), here);
          done.push_back(i);
        },
        [&followed_up] { ++followed_up; });
  while (followed_up < 100) {
    pollfd bell{bulk.descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&bell, 1, 10'000), 1);
    bulk.finish();
  }
  ASSERT_EQ(done.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(done));
}

}  // namespace
}  // namespace hilo::http
