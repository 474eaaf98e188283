// A client of `./dev bench isolation`: one lane of a running engine. The benchmark writes one JSON
// object a line and reads one back for each, as it does with the rivals (bench/peers/worker.py):
//   {"do": "start", "texts": {...}}     those of each lane; later lines name them by number
//   {"do": "batches_of_lot"}            sizes of bulk batches to choose from
//   {"do": "slice", "high": {...}}      texts that arrive at given moments, whatever the others
//   take
//   {"do": "slice", "low": {...}}       64 texts in flight, all the time or again and again
//   {"do": "back_to_back", ...}         one text after the other
#include <array>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <sys/prctl.h>
#include <thread>

#include "support/programs.h"
#include "support/report.h"

namespace hilo {
namespace {

using Json = nlohmann::json;
constexpr size_t in_flight = 64;
constexpr uint32_t warm_up_texts = 5;

Instant instant_of(const Json& seconds) {
  return {static_cast<Nanoseconds>(seconds.get<double>() * second_ns)};
}

void sleep_until(Instant moment) {
  const timespec time{moment.ns / second_ns, moment.ns % second_ns};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

double milliseconds(Nanoseconds time) { return static_cast<double>(time) / millisecond_ns; }

// Texts in flight at the same time: this thread submits each when it is due, the other takes
// results. The library allows one of them at a time, and waiting beside it.
class Arrivals {
 public:
  Arrivals(hilo_client* client, Instant begin, const std::vector<double>& offsets)
      : client_(client), latency_ms_(offsets.size()) {
    for (const double offset : offsets)
      due_.push_back(begin + static_cast<Nanoseconds>(offset * second_ns));
  }

  std::vector<double> run(const std::vector<const std::string*>& texts) {
    std::thread taker{[this] {
      for (size_t taken = 0; taken < due_.size(); ++taken) take();
    }};
    for (size_t i = 0; i < due_.size(); ++i) {
      sleep_until(due_[i]);
      const std::lock_guard lock{mutex_};
      hilo_task task = 0;
      check(hilo_submit(client_, HILO_HIGH, texts[i]->data(), texts[i]->size(), &task));
      arrival_of_[task] = i;
    }
    taker.join();
    return latency_ms_;
  }

 private:
  void take() {
    for (;;) {
      const hilo_status waited = hilo_wait(client_, 60'000);
      if (waited == HILO_INTERRUPTED) continue;
      check(waited);
      const std::lock_guard lock{mutex_};
      hilo_result result;
      size_t taken = 0;
      if (hilo_take(client_, &result, 1, &taken) == HILO_EMPTY) continue;
      const Instant now = monotonic_now();
      check(result.status);
      const size_t arrival = arrival_of_.at(result.task);
      latency_ms_[arrival] = milliseconds(now - due_[arrival]);
      check(hilo_release(client_, result.task));
      return;
    }
  }

  hilo_client* client_;
  std::vector<Instant> due_;
  std::vector<double> latency_ms_;
  std::mutex mutex_;
  std::map<hilo_task, size_t> arrival_of_;
};

// Bulk texts: 64 in flight all the time, or 64 at once after each interval.
class Bulk {
 public:
  Bulk(hilo_client* client, const std::vector<std::string>& texts)
      : client_(client), texts_(texts) {}

  // Starts now, and counts the tokens of what is ready between two moments.
  uint64_t run(Instant begin, Instant end, Nanoseconds interval) {
    Instant due = monotonic_now();
    for (Instant now = due; now < end; now = monotonic_now()) {
      if (interval == 0) {
        submit(in_flight - open_);
      } else if (open_ == 0) {
        sleep_until(std::min(due, end));
        submit(in_flight);
        due = due + interval;
      }
      take(begin, end);
    }
    while (open_ > 0) take(begin, end);
    return tokens_;
  }

 private:
  void submit(size_t count) {
    std::array<hilo_text, in_flight> texts;
    std::array<hilo_task, in_flight> tasks;
    for (size_t i = 0; i < count; ++i) {
      const std::string& text = texts_[random_() % texts_.size()];
      texts[i] = {text.data(), text.size()};
    }
    hilo_submit_options options{};
    options.struct_bytes = sizeof options;
    options.lane = HILO_LOW;
    size_t submitted = 0;
    check(hilo_submit_many(client_, &options, texts.data(), count, tasks.data(), &submitted));
    open_ += submitted;
  }

  void take(Instant begin, Instant end) {
    std::array<hilo_result, in_flight> results;
    size_t taken = 0;
    while (hilo_take(client_, results.data(), in_flight, &taken) == HILO_EMPTY)
      check(hilo_wait(client_, 60'000));
    const Instant now = monotonic_now();
    for (const hilo_result& result : std::span{results}.first(taken)) {
      check(result.status);
      if (begin <= now && now < end) tokens_ += result.tokens;
      check(hilo_release(client_, result.task));
    }
    open_ -= taken;
  }

  hilo_client* client_;
  const std::vector<std::string>& texts_;
  std::mt19937 random_{2};
  size_t open_ = 0;
  uint64_t tokens_ = 0;
};

class Lane {
 public:
  Lane(hilo_client* client, std::string name) : client_(client), name_(std::move(name)) {}

  Json answer(const Json& request) {
    const auto what = request.at("do").get<std::string>();
    if (what == "start") {
      texts_ = request.at("texts").at(name_).get<std::vector<std::string>>();
      return {{"refused", nullptr}};
    }
    if (what == "batches_of_lot") return {{"batches", {nullptr}}};  // hilo makes its own.
    if (what == "back_to_back") return back_to_back(request.at("seconds"));
    if (request.contains("high")) return {{"high", high(request.at("high"))}};
    return {{"low", low(request.at("low"))}};
  }

 private:
  Json high(const Json& wanted) {
    for (uint32_t i = 0; i < warm_up_texts; ++i) time_of_one(client_, texts_.front());
    std::vector<const std::string*> texts;
    for (const size_t which : wanted.at("texts")) texts.push_back(&texts_.at(which));
    const Instant begin = instant_of(wanted.at("begin"));
    return {{"ms", Arrivals{client_, begin, wanted.at("arrivals")}.run(texts)}};
  }

  Json low(const Json& wanted) {
    const Instant begin = instant_of(wanted.at("begin"));
    const Instant end = instant_of(wanted.at("end"));
    const Instant interval = instant_of(wanted.at("interval"));
    return {{"tokens", Bulk{client_, texts_}.run(begin, end, interval.ns)}};
  }

  Json back_to_back(double seconds) {
    for (uint32_t i = 0; i < warm_up_texts; ++i) time_of_one(client_, texts_.front());
    std::vector<double> latencies;
    const Instant until = monotonic_now() + static_cast<Nanoseconds>(seconds * second_ns);
    for (size_t i = 0; monotonic_now() < until; ++i)
      latencies.push_back(milliseconds(time_of_one(client_, texts_[i % texts_.size()])));
    return {{"ms", latencies}};
  }

  hilo_client* client_;
  std::string name_;
  std::vector<std::string> texts_;
};

void serve(const std::string& socket, const std::string& lane) {
  hilo_client* client = nullptr;
  check(hilo_connect(socket.c_str(), lane == "high" ? HILO_HIGH : HILO_LOW, &client));
  Lane served{client, lane};
  for (std::string line; std::getline(std::cin, line);) {
    print_line("{}", served.answer(Json::parse(line)).dump());
    std::fflush(stdout);  // It waits for this.
  }
  hilo_close(client);
}

}  // namespace
}  // namespace hilo

int main(int count, char** arguments) {
  CLI::App app{"A client of `./dev bench isolation`, which asks on standard input."};
  std::string socket;
  std::string lane;
  app.add_option("--socket", socket, "Of the engine")->required();
  app.add_option("--lane", lane)->required()->check(CLI::IsMember({"high", "low"}));
  CLI11_PARSE(app, count, arguments);
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // Else the kernel wakes a text's arrival up to 50 us late.
  hilo::serve(socket, lane);
  return 0;
}
