#include "cli/top/screen.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "cli/top/figures.h"

namespace hilo {
namespace {

constexpr size_t columns_of_label = 13;
constexpr size_t columns_of_largest = 7;

const char* title(Lane lane) { return lane == Lane::high ? "HIGH" : "LOW"; }
Emphasis emphasis_of(Lane lane) { return lane == Lane::high ? Emphasis::high : Emphasis::low; }

class Screen {
 public:
  Screen(const History& history, Nanoseconds span, const ScreenShape& shape)
      : history_(history),
        shape_(shape),
        older_(history.before(span)),
        newest_(history.newest()),
        figures_{figures_between(older_, newest_, Lane::high),
                 figures_between(older_, newest_, Lane::low)} {}

  std::vector<ScreenLine> draw() {
    draw_engine();
    add("");
    draw_lanes();
    if (shape_.curves) draw_curves();
    add("");
    draw_stages();
    add("");
    draw_batches();
    add("");
    draw_clients();
    if (lines_.size() > shape_.rows) lines_.resize(shape_.rows);
    return std::move(lines_);
  }

 private:
  void add(const std::string& text, Emphasis emphasis = Emphasis::none) {
    const std::string_view told{text.data(), text.find_last_not_of(' ') + 1};
    lines_.push_back({clipped(told, shape_.columns), emphasis});
  }
  const LaneFigures& figures(Lane lane) const { return figures_[lane_index(lane)]; }

  void draw_engine() {
    const std::string model = newest_.model.empty() ? "" : newest_.model + ", ";
    add(fmt::format("hilo {}, process {}: {}{}", newest_.hilo, newest_.pid, model, newest_.backend),
        Emphasis::heading);
    add(fmt::format("up {}, {} cores, memory {} of {} at most, figures of the last {}",
                    duration(static_cast<double>(newest_.uptime)), newest_.cores,
                    mebibytes(newest_.resident_bytes), mebibytes(newest_.budget_bytes),
                    duration(static_cast<double>(newest_.now - older_.now))),
        Emphasis::faint);
  }

  void draw_lanes() {
    add(fmt::format("{:<5}{:>9}{:>10}{:>10}{:>10}{:>10}{:>9}{:>9}{:>8}", "lane", "texts/s",
                    "tokens/s", "p50", "p99", "max", "waiting", "oldest", "compute"),
        Emphasis::heading);
    for (const Lane lane : {Lane::high, Lane::low}) {
      const LaneFigures& now = figures(lane);
      const LaneNumbers& numbers = newest_.lane(lane);
      const auto latency = [&](double q) {
        return duration(static_cast<double>(now.whole.quantile(q)));
      };
      add(fmt::format("{:<5}{:>9}{:>10}{:>10}{:>10}{:>10}{:>9}{:>9}{:>8}", title(lane),
                      count(now.texts_per_s), count(now.tokens_per_s), latency(0.5), latency(0.99),
                      latency(1), count(static_cast<double>(numbers.waiting)),
                      duration(static_cast<double>(numbers.oldest_ns)), percent(now.compute_share)),
          emphasis_of(lane));
    }
  }

  template <class Value>
  void draw_curve(Lane lane, const char* label, std::string (*told)(double), Value value) {
    const size_t columns = shape_.columns - columns_of_label - columns_of_largest;
    const std::vector<double> values = history_.series(columns, value);
    const double largest = *std::ranges::max_element(values);
    add(fmt::format("{:<13}{}{:>7}", label, sparkline(values, columns, shape_.unicode),
                    largest > 0 ? told(largest) : ""),
        emphasis_of(lane));
  }

  void draw_curves() {
    if (shape_.columns < columns_of_label + columns_of_largest + 10) return;
    const auto texts = [](Lane lane) {
      return [lane](const Snapshot& older, const Snapshot& newer) {
        return figures_between(older, newer, lane).texts_per_s;
      };
    };
    add("");
    draw_curve(Lane::high, "HIGH texts/s", count, texts(Lane::high));
    draw_curve(Lane::high, "HIGH p99", duration, [](const Snapshot& older, const Snapshot& newer) {
      const HistogramCounts whole = figures_between(older, newer, Lane::high).whole;
      return static_cast<double>(whole.quantile(0.99));
    });
    draw_curve(Lane::low, "LOW texts/s", count, texts(Lane::low));
    draw_curve(Lane::low, "LOW waiting", count, [](const Snapshot&, const Snapshot& newer) {
      return static_cast<double>(newer.lane(Lane::low).waiting);
    });
  }

  void draw_stages() {
    std::string names = fmt::format("{:<13}", "mean time in");
    for (const char* const stage : stages_shown) names += fmt::format("{:>13}", stage);
    add(names, Emphasis::heading);
    for (const Lane lane : {Lane::high, Lane::low}) {
      std::string line = fmt::format("{:<13}", title(lane));
      for (const double ns : figures(lane).stage_ns) line += fmt::format("{:>13}", duration(ns));
      add(line, emphasis_of(lane));
    }
  }

  void draw_batches() {
    add(fmt::format("{:<13}{:>9}{:>9}{:>11}{:>9}{:>11}{:>18}", "a batch has", "texts", "tokens",
                    "refused", "expired", "cancelled", "stood aside"),
        Emphasis::heading);
    for (const Lane lane : {Lane::high, Lane::low}) {
      const LaneFigures& now = figures(lane);
      const LaneNumbers& numbers = newest_.lane(lane);
      const std::string stops =
          fmt::format("{}/s, {}", count(now.stops_per_s), percent(now.stopped_share));
      add(fmt::format(
              "{:<13}{:>9}{:>9}{:>11}{:>9}{:>11}{:>18}", title(lane), count(now.texts_per_batch),
              count(now.tokens_per_batch), count(static_cast<double>(numbers.refused)),
              count(static_cast<double>(numbers.expired)),
              count(static_cast<double>(numbers.cancelled)), lane == Lane::low ? stops : ""),
          emphasis_of(lane));
    }
  }

  // Who had most of late comes first.
  void draw_clients() {
    struct Row {
      ClientNumbers now;
      uint64_t tokens_before = 0, texts_before = 0;
      uint64_t tokens() const { return now.tokens - tokens_before; }
    };
    std::vector<Row> rows;
    for (const ClientNumbers& client : newest_.clients) {
      const auto known = std::ranges::find(older_.clients, client.id, &ClientNumbers::id);
      const bool is_new = known == older_.clients.end();
      rows.push_back({client, is_new ? 0 : known->tokens, is_new ? 0 : known->texts});
    }
    std::ranges::stable_sort(rows, std::greater{}, &Row::tokens);
    const double seconds = std::max(
        static_cast<double>(newest_.now - older_.now) / static_cast<double>(second_ns), 1e-9);
    add(fmt::format("{:<18}{:>9}{:>7}{:>7}{:>11}{:>12}{:>11}", "client", "process", "lane", "open",
                    "texts/s", "tokens/s", "texts"),
        Emphasis::heading);
    for (const Row& row : rows) {
      const std::string program = row.now.program.empty() ? "?" : row.now.program;
      add(fmt::format("{:<18}{:>9}{:>7}{:>7}{:>11}{:>12}{:>11}", clipped(program, 17), row.now.pid,
                      row.now.lane, row.now.open,
                      count(static_cast<double>(row.now.texts - row.texts_before) / seconds),
                      count(static_cast<double>(row.tokens()) / seconds),
                      count(static_cast<double>(row.now.texts))));
    }
    if (rows.empty()) add("none is connected", Emphasis::faint);
  }

  const History& history_;
  const ScreenShape& shape_;
  const Snapshot& older_;
  const Snapshot& newest_;
  const std::array<LaneFigures, lane_count> figures_;
  std::vector<ScreenLine> lines_;
};

}  // namespace

std::vector<ScreenLine> draw_screen(const History& history, Nanoseconds span,
                                    const ScreenShape& shape) {
  return Screen{history, span, shape}.draw();
}

}  // namespace hilo
