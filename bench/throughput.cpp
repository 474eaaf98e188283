// A client that keeps the LOW lane full: texts and tokens per second by length of text.
#include <cstring>
#include <random>

#include "support/programs.h"
#include "support/report.h"
#include "support/samples.h"
#include "support/texts.h"

namespace hilo {
namespace {

constexpr size_t in_flight_max = 64;
constexpr size_t shapes_max = 8;

struct Options {
  std::string json;
  ModelOptions model;
  std::vector<uint32_t> tokens{32, 128, 256};
  std::string corpus = HILO_SOURCE_DIR "/tests/golden/packages.txt";
  double seconds = 5;
};

struct Shape {
  std::string name;
  std::vector<std::string> texts;
};

struct Rate {
  uint64_t texts;
  uint64_t tokens;
  double seconds;
};
struct Rates {
  Rate of_shape[shapes_max];
};

std::vector<Shape> make_shapes(const Options& options) {
  std::mt19937 random{1};
  std::vector<Shape> shapes;
  for (const uint32_t tokens : options.tokens) {
    Shape shape{fmt::format("{} tokens", tokens), {}};
    for (int i = 0; i < 100; ++i) shape.texts.push_back(text_of_tokens(tokens, random));
    shapes.push_back(std::move(shape));
  }
  shapes.push_back({"natural mix", natural_texts(options.corpus, random)});
  return shapes;
}

// Counts what completes while the lane is full; what is under way at the end is not counted.
Rate measure(hilo_client* client, const Shape& shape, double seconds) {
  size_t next = 0;
  const auto submit_next = [&] {
    const std::string& text = shape.texts[next++ % shape.texts.size()];
    hilo_task task = 0;
    check(hilo_submit(client, HILO_LOW, text.data(), text.size(), &task));
  };
  for (size_t i = 0; i < in_flight_max; ++i) submit_next();
  for (size_t i = 0; i < in_flight_max; ++i, submit_next()) take_and_release(client);  // Warm.
  Rate rate{};
  const Instant began = monotonic_now();
  Instant now = began;
  for (; now - began < static_cast<Nanoseconds>(seconds * second_ns); now = monotonic_now()) {
    rate.tokens += take_and_release(client).tokens;
    ++rate.texts;
    submit_next();
  }
  rate.seconds = static_cast<double>(now - began) / second_ns;
  for (size_t i = 0; i < in_flight_max; ++i) take_and_release(client);
  return rate;
}

int run(const Options& options) {
  const std::vector<Shape> shapes = make_shapes(options);
  ENSURE(shapes.size() <= shapes_max);
  if (shapes.back().texts.empty())
    return finish_benchmark(Error{options.corpus + " has no lines."}, options.json, {});
  auto& rates = make_shared_with_children<Rates>();
  const auto body = [&](hilo_client* client) {
    for (size_t i = 0; i < shapes.size(); ++i)
      rates.of_shape[i] = measure(client, shapes[i], options.seconds);
  };
  const Status status = serve_programs(options.model, {{LaneRights::low, body}});
  nlohmann::json json = nlohmann::json::array();
  if (status)
    print_line("{:12} {:>10} {:>10} {:>12}", "texts", "texts/s", "tokens/s", "tokens/text");
  for (size_t i = 0; status && i < shapes.size(); ++i) {
    const Rate& rate = rates.of_shape[i];
    const double texts = static_cast<double>(rate.texts) / rate.seconds;
    const double tokens = static_cast<double>(rate.tokens) / rate.seconds;
    print_line("{:12} {:10.1f} {:10.0f} {:12.1f}", shapes[i].name, texts, tokens, tokens / texts);
    json.push_back({{"texts", shapes[i].name},
                    {"texts_per_second", texts},
                    {"tokens_per_second", tokens},
                    {"tokens_per_text", tokens / texts}});
  }
  return finish_benchmark(status, options.json, json);
}

}  // namespace
}  // namespace hilo

int main(int count, char** arguments) {
  CLI::App app{"Texts and tokens per second of the LOW lane, by length of text."};
  hilo::Options options;
  hilo::add_json_option(app, options.json);
  hilo::add_model_options(hilo::OptionList{app}, options.model);
  app.add_option("--tokens", options.tokens, "Lengths of texts")
      ->expected(0, hilo::shapes_max - 1)
      ->capture_default_str();
  app.add_option("--corpus", options.corpus, "Lines for the natural mix")->type_name("FILE");
  app.add_option("--seconds", options.seconds, "For each length")->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  return hilo::run(options);
}
