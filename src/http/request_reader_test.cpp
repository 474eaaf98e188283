#include "http/request_reader.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hilo::http {
namespace {

using State = RequestReader::State;
using testing::HasSubstr;

constexpr uint32_t body_max = 100;

// Feeds bytes in pieces, and stops where the reader does.
std::optional<Problem> feed(RequestReader& reader, std::string_view bytes, size_t piece) {
  while (!bytes.empty()) {
    const auto room = reader.room();
    const size_t count = std::min({piece, bytes.size(), room.size()});
    std::memcpy(room.data(), bytes.data(), count);
    reader.add(count);
    bytes.remove_prefix(count);
    if (auto problem = reader.advance()) return problem;
  }
  return std::nullopt;
}

constexpr std::string_view with_length =
    "POST /low/v1/embeddings?a=b HTTP/1.1\r\nHost: x\r\nX-Hilo-Lane: low\r\n"
    "Content-Length: 5\r\n\r\nhello";
constexpr std::string_view in_chunks =
    "POST /low/v1/embeddings?a=b HTTP/1.1\r\nHost: x\r\nX-Hilo-Lane: low\r\n"
    "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";

// Goal: the same request comes out, however its bytes are cut and its length is told.
TEST(RequestReader, ReadsWhateverThePieces) {
  for (const std::string_view bytes : {with_length, in_chunks}) {
    for (const size_t piece : {size_t{1}, size_t{7}, bytes.size()}) {
      RequestReader reader{body_max};
      EXPECT_FALSE(feed(reader, bytes, piece));
      ASSERT_EQ(reader.state(), State::whole);
      const Request request = reader.take();
      EXPECT_EQ(request.method, "POST");
      EXPECT_EQ(request.path, "/v1/embeddings");
      EXPECT_EQ(request.path_lane, LaneWish::low);
      EXPECT_EQ(request.query, "a=b");
      EXPECT_EQ(request.header("x-hilo-LANE"), "low");
      EXPECT_FALSE(request.header("X-Hilo"));
      EXPECT_EQ(request.body, "hello");
      EXPECT_TRUE(reader.keep_open());
    }
  }
}

TEST(RequestReader, KeepsWhatFollows) {
  RequestReader reader{body_max};
  EXPECT_FALSE(feed(reader, std::string{with_length} + "GET / HTTP/1.0\r\n\r\n", 1000));
  ASSERT_EQ(reader.state(), State::whole);
  EXPECT_EQ(reader.take().body, "hello");
  reader.next();
  EXPECT_TRUE(reader.has_bytes());
  EXPECT_FALSE(reader.advance());
  ASSERT_EQ(reader.state(), State::whole);
  EXPECT_EQ(reader.take().method, "GET");
  EXPECT_FALSE(reader.keep_open());
}

// Goal: a proxy that sets or removes a header is not got around by a field behind the last chunk.
TEST(RequestReader, WhatFollowsTheLastChunkIsNoHeader) {
  RequestReader reader{body_max};
  EXPECT_FALSE(feed(reader,
                    "POST / HTTP/1.1\r\nHost: x\r\nX-Hilo-Lane: low\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
                    "X-Hilo-Lane: high\r\nAuthorization: Bearer key\r\n\r\n",
                    1000));
  ASSERT_EQ(reader.state(), State::whole);
  const Request request = reader.take();
  EXPECT_EQ(request.header("X-Hilo-Lane"), "low");
  EXPECT_FALSE(request.header("Authorization"));
  EXPECT_EQ(request.headers.size(), 3U);
}

TEST(RequestReader, SaysThatTheClientWaitsForLeave) {
  RequestReader reader{body_max};
  EXPECT_FALSE(feed(reader,
                    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                    "Expect: 100-continue\r\n\r\n",
                    1000));
  EXPECT_EQ(reader.state(), State::body);
  EXPECT_TRUE(reader.expects_leave());
}

// Goal: what could be understood in two ways, or is too large, is refused. Method: a table.
TEST(RequestReader, Refuses) {
  struct Row {
    const char* what;
    std::string bytes;
    ProblemKind kind;
    const char* part;
  };
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  const auto bad = ProblemKind::malformed_request;
  const Row rows[] = {
      {"no HTTP", "hello\r\n\r\n", bad, "HTTP"},
      {"a TLS greeting", std::string("\x16\x03\x01\x02\x00\x01", 6), bad, "HTTP"},
      {"HTTP/2", "GET / HTTP/2.0\r\n\r\n", bad, "HTTP"},
      {"no host", "GET / HTTP/1.1\r\n\r\n", bad, "Host"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", bad, "Host"},
      {"both lengths", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", bad, ""},
      {"the other order", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", bad,
       ""},
      {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", bad, ""},
      {"a length with a sign", post + "Content-Length: +5\r\n\r\n", bad, ""},
      {"another coding", post + "Transfer-Encoding: gzip\r\n\r\n", bad, "chunked"},
      {"two codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", bad, "chunked"},
      {"chunks in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", bad, "chunked"},
      {"a broken chunk", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", bad, ""},
      {"a space before the colon", post + "Content-Length : 5\r\n\r\n", bad, ""},
      {"a folded line", post + "X: a\r\n b\r\n\r\n", bad, "begin with a space"},
      {"a folded length", post + "\tContent-Length: 5\r\n\r\n", bad, "begin with a space"},
      {"a long body", post + "Content-Length: 101\r\n\r\n", ProblemKind::body_too_large, "100"},
      {"long chunks",
       post + "Transfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'a') + "\r\n0\r\n\r\n",
       ProblemKind::body_too_large, "100"},
      {"a long header", post + "X: " + std::string(header_bytes_max, 'a') + "\r\n\r\n",
       ProblemKind::header_too_large, "16384"},
      {"many headers",
       post +
           [] {
             std::string lines;
             while (lines.size() < 2 * header_bytes_max) lines += "X: y\r\n";
             return lines;
           }(),
       ProblemKind::header_too_large, "16384"},
      {"a long target", "GET /" + std::string(2 * header_bytes_max, 'a'),
       ProblemKind::header_too_large, "16384"},
  };
  for (const Row& row : rows) {
    for (const size_t piece : {size_t{1}, size_t{100'000}}) {
      SCOPED_TRACE(row.what);
      RequestReader reader{body_max};
      const auto problem = feed(reader, row.bytes, piece);
      ASSERT_TRUE(problem);
      EXPECT_EQ(problem->kind, row.kind);
      EXPECT_THAT(problem->message, HasSubstr(row.part));
    }
  }
}

// Goal: a refusal can take the form of the route, whatever is wrong and however little has come.
TEST(RequestReader, KnowsTheFirstLineOfWhatItRefuses) {
  const std::string line = "POST /low/embed?a=b HTTP/1.1\r\n";
  for (const std::string& bytes :
       {line + "X: " + std::string(2 * header_bytes_max, 'a'),
        line + "Host: x\r\nOrigin: y\r\nContent-Length: 101\r\n\r\n",
        line + "Host: x\r\nOrigin: y\r\nTransfer-Encoding: gzip\r\n\r\n", line, line + "Ho"}) {
    for (const size_t piece : {size_t{1}, size_t{100'000}}) {
      RequestReader reader{body_max};
      static_cast<void>(feed(reader, bytes, piece));
      const Request head = reader.head();
      EXPECT_EQ(head.method, "POST");
      EXPECT_EQ(head.path, "/embed");
      EXPECT_EQ(head.path_lane, LaneWish::low);
      const bool known = bytes.find("Origin") != std::string::npos;
      EXPECT_EQ(head.header("Origin").value_or(""), known ? "y" : "");
    }
  }
  for (const std::string_view bytes : {"", "POST", "POST /embed", "POST /embed HTTP/2.0\r\n",
                                       "/embed HTTP/1.1\r\n", " HTTP/1.1\r\n", "\r\n"}) {
    RequestReader reader{body_max};
    static_cast<void>(feed(reader, bytes, 100));
    EXPECT_EQ(reader.head().method, "") << bytes;
  }
}

}  // namespace
}  // namespace hilo::http
