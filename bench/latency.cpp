// One user who waits: one client on the HIGH lane, one text at a time, nothing else on the machine.
//   hot    back to back, so that the cores never sleep
//   cold   each text after a pause in which they do
// First on one core and then on all of them, which shows what the second core is worth.
#include <chrono>
#include <random>
#include <thread>

#include "support/programs.h"
#include "support/report.h"
#include "support/samples.h"
#include "support/texts.h"

namespace hilo {
namespace {

constexpr size_t lengths_max = 8;
constexpr size_t texts_per_length = 100;

struct Options {
  std::string json;
  ModelOptions model;
  std::vector<uint32_t> threads{1, 0};
  std::vector<uint32_t> tokens{8, 16, 32, 64, 128};
  double seconds = 2;
  uint32_t cold_texts = 40;
  uint32_t idle_ms = 50;
};

struct Latency {
  Samples hot;
  Samples cold;
};
struct Latencies {
  Latency of_length[lengths_max];
};

class Client {
 public:
  Client(hilo_client* client, uint32_t tokens) : client_(client) {
    std::mt19937 random{1};
    for (size_t i = 0; i < texts_per_length; ++i) texts_.push_back(text_of_tokens(tokens, random));
  }

  void measure(const Options& options, Latency& latency) {
    for (size_t i = 0; i < texts_per_length; ++i) embed_one();  // Warm.
    const Instant until = monotonic_now() + static_cast<Nanoseconds>(options.seconds * second_ns);
    while (monotonic_now() < until) latency.hot.add(embed_one());
    for (uint32_t i = 0; i < options.cold_texts; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{options.idle_ms});
      latency.cold.add(embed_one());
    }
  }

 private:
  Nanoseconds embed_one() { return time_of_one(client_, texts_[next_++ % texts_.size()]); }

  hilo_client* client_;
  std::vector<std::string> texts_;
  size_t next_ = 0;
};

nlohmann::json report(uint32_t threads, uint32_t tokens, const Latency& latency) {
  const double hot_p50 = latency.hot.quantile_us(0.5) / 1000;
  const double hot_p99 = latency.hot.quantile_us(0.99) / 1000;
  const double cold_p50 = latency.cold.quantile_us(0.5) / 1000;
  const double cold_worst = latency.cold.quantile_us(1) / 1000;
  print_line("{:>7} {:>7} {:9.3f} {:9.3f} {:10.3f} {:10.3f} {:9.2f}",
             threads == 0 ? "all" : fmt::to_string(threads), tokens, hot_p50, hot_p99, cold_p50,
             cold_worst, cold_p50 / hot_p50);
  return {{"threads", threads},
          {"tokens", tokens},
          {"hot_p50_ms", hot_p50},
          {"hot_p99_ms", hot_p99},
          {"hot_texts", latency.hot.count},
          {"cold_p50_ms", cold_p50},
          {"cold_worst_ms", cold_worst},
          {"cold_texts", latency.cold.count}};
}

// One engine with this many threads, and every length.
Status run_threads(const Options& options, uint32_t threads, nlohmann::json& json) {
  auto& latencies = make_shared_with_children<Latencies>();
  ModelOptions model = options.model;
  model.threads = threads;
  const auto body = [&](hilo_client* client) {
    for (size_t i = 0; i < options.tokens.size(); ++i)
      Client{client, options.tokens[i]}.measure(options, latencies.of_length[i]);
  };
  if (Status served = serve_programs(model, {{LaneRights::high, body}}); !served) return served;
  print_line("{:>7} {:>7} {:>9} {:>9} {:>10} {:>10} {:>9}", "threads", "tokens", "hot p50", "p99",
             "cold p50", "worst", "cold/hot");
  for (size_t i = 0; i < options.tokens.size(); ++i)
    json.push_back(report(threads, options.tokens[i], latencies.of_length[i]));
  return {};
}

// What the other cores are worth: the first engine's median over the last one's, for each length.
void report_scaling(const Options& options, const nlohmann::json& rows) {
  const size_t lengths = options.tokens.size();
  if (options.threads.size() < 2) return;
  const size_t last = rows.size() - lengths;
  std::string line = "first engine's hot p50 over the last one's:";
  for (size_t i = 0; i < lengths; ++i)
    line += fmt::format(
        "  {} tokens {:.2f}", options.tokens[i],
        rows[i]["hot_p50_ms"].get<double>() / rows[last + i]["hot_p50_ms"].get<double>());
  print_line("{}", line);
}

int run(const Options& options) {
  nlohmann::json json = nlohmann::json::array();
  Status status;
  for (size_t i = 0; status && i < options.threads.size(); ++i)
    status = run_threads(options, options.threads[i], json);
  if (status) report_scaling(options, json);
  return finish_benchmark(status, options.json, json);
}

}  // namespace
}  // namespace hilo

int main(int count, char** arguments) {
  CLI::App app{"Milliseconds from text to vector for one client of the HIGH lane, by length."};
  hilo::Options options;
  hilo::add_json_option(app, options.json);
  hilo::add_model_options(hilo::OptionList{app}, options.model);
  app.add_option("--cores", options.threads, "One engine for each number of cores; 0 means all")
      ->capture_default_str();
  app.add_option("--tokens", options.tokens, "Lengths of texts")
      ->expected(1, hilo::lengths_max)
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Back to back, for each length")
      ->capture_default_str();
  app.add_option("--cold-texts", options.cold_texts, "After a pause each, for each length")
      ->capture_default_str();
  app.add_option("--idle-ms", options.idle_ms, "The pause")->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  return hilo::run(options);
}
