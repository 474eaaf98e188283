#include "cli/top/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/top/figures.h"

namespace hilo {
namespace {

using testing::HasSubstr;

// A second in which HIGH computed 20 texts of 4 ms, and LOW 600 of 100 ms.
Snapshot snapshot_after(uint64_t seconds) {
  Snapshot snapshot{.pid = 4711,
                    .hilo = "0.1.0",
                    .model = "all-MiniLM-L6-v2",
                    .backend = "cpu fp32 (amx)",
                    .now = {static_cast<Nanoseconds>(seconds) * second_ns},
                    .uptime = static_cast<Nanoseconds>(seconds) * second_ns,
                    .budget_bytes = 237ULL << 20U,
                    .resident_bytes = 118ULL << 20U,
                    .cores = 2};
  const auto fill = [&](Lane lane, uint64_t texts_per_s, uint64_t tokens, uint64_t whole_ns) {
    LaneNumbers& numbers = snapshot.lanes[lane_index(lane)];
    const uint64_t texts = texts_per_s * seconds;
    numbers.ok = texts;
    numbers.tokens = texts * tokens;
    numbers.batch_texts = {.count = texts / 2, .sum = texts};
    numbers.batch_tokens = {.count = texts / 2, .sum = texts * tokens};
    const auto bucket = static_cast<uint32_t>(Histogram::bucket_of(whole_ns));
    numbers.whole = HistogramCounts::from({{bucket, texts}}, texts * whole_ns, whole_ns);
    for (CountAndSum& stage : numbers.stages) stage = {texts, texts * 12'000};
  };
  fill(Lane::high, 20, 9, 4'000'000);
  fill(Lane::low, 600, 20, 100'000'000);
  snapshot.lanes[1].waiting = 188;
  snapshot.lanes[1].cpu_ns = seconds * 3 * second_ns / 2;
  snapshot.clients = {
      {.id = 1, .pid = 100, .program = "quiet", .lane = "high", .open = 0, .texts = 5, .tokens = 9},
      {.id = 2,
       .pid = 200,
       .program = "evil\x1b[2J",
       .lane = "low",
       .open = 256,
       .texts = 600 * seconds,
       .tokens = 12'000 * seconds}};
  return snapshot;
}

History history_of(uint64_t seconds) {
  History history;
  for (uint64_t second = 1; second <= seconds; ++second) history.add(snapshot_after(second));
  return history;
}

size_t columns_of(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

std::string text_of(const std::vector<ScreenLine>& lines) {
  std::string text;
  for (const ScreenLine& line : lines) text += line.text + "\n";
  return text;
}

// Fails if a line would wrap, or the screen scroll, on any terminal.
TEST(Screen, FitsEveryTerminal) {
  const History history = history_of(100);
  for (const size_t columns : {1U, 20U, 40U, 80U, 81U, 132U, 400U})
    for (const size_t rows : {1U, 10U, 24U, 60U}) {
      const auto lines = draw_screen(history, 60 * second_ns, {.columns = columns, .rows = rows});
      EXPECT_LE(lines.size(), rows);
      for (const ScreenLine& line : lines) EXPECT_LE(columns_of(line.text), columns);
    }
}

// Fails if a column of what matters is cut off, or the clients are, in a terminal of 80x24.
TEST(Screen, EverythingIsReadableAt80Columns) {
  const auto lines = draw_screen(history_of(100), 60 * second_ns, {});
  const std::string text = text_of(lines);
  for (const char* const expected :
       {"process 4711", "figures of the last 60 s", "HIGH        20       180    4.0 ms",
        "LOW        600       12k    100 ms", "188", "75 %", "deliver", "stood aside", "quiet"})
    EXPECT_THAT(text, HasSubstr(expected));
  EXPECT_LE(lines.size(), 24U);
}

// Fails if figures are since the start, instead of the time that was asked for.
TEST(Screen, FiguresAreOfTheTimeAskedFor) {
  History history;
  history.add(snapshot_after(1));
  Snapshot idle = snapshot_after(1);
  idle.now = idle.now + second_ns;
  history.add(idle);
  const std::string text = text_of(draw_screen(history, second_ns, {}));
  EXPECT_THAT(text, HasSubstr("HIGH         0         0         -"));
}

TEST(Screen, WhoHadMostComesFirstAndItsNameControlsNothing) {
  const std::string text = text_of(draw_screen(history_of(3), 60 * second_ns, {}));
  EXPECT_LT(text.find("evil?[2J"), text.find("quiet"));
  EXPECT_EQ(text.find('\x1b'), text.npos);
}

// Fails if what a GPU did is told as a part of the cores' time, which its workers hardly use.
TEST(History, WithADeviceItsTimeIsTold) {
  Snapshot older = snapshot_after(1);
  Snapshot newer = snapshot_after(2);
  newer.lanes[1].device_ns = 600 * millisecond_ns;
  EXPECT_GT(figures_between(older, newer, Lane::low).compute_share, 0.7);
  newer.has_device = true;
  EXPECT_DOUBLE_EQ(figures_between(older, newer, Lane::low).compute_share, 0.6);
}

// Fails if the numbers of an engine that is gone are taken for the first ones of the next.
TEST(History, AnotherEngineBeginsAnew) {
  History history = history_of(5);
  Snapshot other = snapshot_after(6);
  other.pid = 4712;
  history.add(other);
  EXPECT_FALSE(history.has_two());
  history.add(snapshot_after(7));
  Snapshot started_again = snapshot_after(1);
  history.add(started_again);
  EXPECT_FALSE(history.has_two());
}

TEST(Snapshot, AnAnswerThatMakesNoSenseIsTold) {
  EXPECT_THAT(parse_snapshot("{").error().message, HasSubstr("makes no sense"));
  EXPECT_THAT(parse_snapshot("{}").error().message, HasSubstr("makes no sense"));
  EXPECT_THAT(parse_snapshot(R"({"version":2})").error().message, HasSubstr("version 2"));
}

}  // namespace
}  // namespace hilo
