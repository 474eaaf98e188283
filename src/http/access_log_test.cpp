#include "http/access_log.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hilo::http {
namespace {

using nlohmann::json;

Request request_for(std::string_view method, std::string_view path) {
  Request request;
  request.method = method;
  request.path = path;
  return request;
}

RequestRecord record_of(const Request* request) {
  return {.request = request,
          .tag = {.id = "abc", .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-0-01"},
          .client = "127.0.0.1:1",
          .caller = "search",
          .status = 200,
          .lane = Lane::high,
          .texts = 2,
          .tokens = 9,
          .engine_ns_max = 7000,
          .request_bytes = 30,
          .response_bytes = 4000,
          .begun = {1000},
          .received = {3000},
          .parsed = {6000},
          .computed = {1'006'000},
          .written = {1'010'000},
          .sent = {1'015'000}};
}

TEST(AccessLog, ALineIsAnObject) {
  const Request request = request_for("POST", "/v1/embeddings");
  std::string line;
  append_log_line(line, record_of(&request), "2026-02-28T12:00:00.123Z");
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  const json expected{{"time", "2026-02-28T12:00:00.123Z"},
                      {"id", "abc"},
                      {"trace", "4bf92f3577b34da6a3ce929d0e0e4736"},
                      {"client", "127.0.0.1:1"},
                      {"key", "search"},
                      {"method", "POST"},
                      {"path", "/v1/embeddings"},
                      {"status", 200},
                      {"lane", "high"},
                      {"texts", 2},
                      {"tokens", 9},
                      {"engine_us", 7},
                      {"request_bytes", 30},
                      {"response_bytes", 4000},
                      {"receive_us", 2},
                      {"parse_us", 3},
                      {"compute_us", 1000},
                      {"write_us", 4},
                      {"send_us", 5},
                      {"whole_us", 1014}};
  EXPECT_EQ(json::parse(line), expected);
}

// Fails if what a client sends can end a line, or make it something else than JSON.
TEST(AccessLog, ForeignBytesAreEscaped) {
  const std::string path = "/\"\\\n\x01\x7f\xff{}" + std::string(1000, 'a');
  const Request request = request_for("G\tT", path);
  std::string line;
  append_log_line(line, record_of(&request), "");
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  const json read = json::parse(line);
  EXPECT_EQ(read["method"], "G\tT");
  const auto told = read["path"].get<std::string>();
  EXPECT_TRUE(told.starts_with("/\"\\\n\x01\x7f\xc3\xbf{}aaa")) << told;
  EXPECT_LT(told.size(), path.size());
}

TEST(AccessLog, ARequestThatCouldNotBeReadHasALineToo) {
  RequestRecord record = record_of(nullptr);
  record.lane.reset();
  record.caller.clear();
  record.tag.traceparent.clear();
  record.hung_up = true;
  std::string line;
  append_log_line(line, record, "");
  const json read = json::parse(line);
  for (const char* const absent : {"path", "lane", "key", "trace"})
    EXPECT_FALSE(read.contains(absent)) << absent;
  EXPECT_EQ(read["hung_up"], true);
}

class AccessLogFile : public testing::Test {
 protected:
  AccessLogFile() { std::filesystem::create_directory(folder_); }
  ~AccessLogFile() override { std::filesystem::remove_all(folder_); }

  static std::string text_of(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  static std::ptrdiff_t lines_in(const std::string& path) {
    const std::string text = text_of(path);
    return std::count(text.begin(), text.end(), '\n');
  }

  const std::string folder_ = testing::TempDir() + "access-log-" + std::to_string(::getpid());
  const std::string path_ = folder_ + "/log";
  const Request request_ = request_for("GET", "/health");
  Counter dropped_;
};

// Fails if a line is lost or torn when the file is moved away and opened again.
TEST_F(AccessLogFile, GoesOnInANewFile) {
  AccessLog log{path_, dropped_};
  ASSERT_TRUE(log.open());
  for (int i = 0; i < 1000; ++i) log.add(record_of(&request_));
  log.flush();
  std::filesystem::rename(path_, path_ + ".1");
  log.add(record_of(&request_));
  log.flush();
  ASSERT_TRUE(log.open());
  log.add(record_of(&request_));
  log.finish();
  EXPECT_EQ(lines_in(path_ + ".1"), 1001);
  EXPECT_EQ(lines_in(path_), 1);
  std::ifstream old{path_ + ".1"};
  for (std::string line; std::getline(old, line);)
    ASSERT_FALSE(json::parse(line, nullptr, false).is_discarded()) << line;
  EXPECT_EQ(dropped_.get(), 0U);
}

TEST_F(AccessLogFile, CountsWhatItHasNoRoomFor) {
  AccessLog log{path_, dropped_};
  ASSERT_TRUE(log.open());
  std::string line;
  append_log_line(line, record_of(&request_), "2026-02-28T12:00:00.123Z");
  const size_t fitting = AccessLog::bytes_max / line.size() + 1;
  for (size_t i = 0; i < fitting + 5; ++i) log.add(record_of(&request_));
  log.finish();
  EXPECT_EQ(static_cast<size_t>(lines_in(path_)) + dropped_.get(), fitting + 5);
  EXPECT_GE(dropped_.get(), 5U);
  log.add(record_of(&request_));
  log.finish();
  EXPECT_EQ(static_cast<size_t>(lines_in(path_)) + dropped_.get(), fitting + 6);
}

TEST_F(AccessLogFile, CountsWhatTheFileDoesNotTake) {
  AccessLog log{"/dev/full", dropped_};
  ASSERT_TRUE(log.open());
  for (int i = 0; i < 3; ++i) log.add(record_of(&request_));
  log.finish();
  EXPECT_EQ(dropped_.get(), 3U);
  EXPECT_FALSE((AccessLog{"/nonexistent/log", dropped_}.open()));
}

}  // namespace
}  // namespace hilo::http
