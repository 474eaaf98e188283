// The seam between the routes and the machinery. A route is a pure function of a request: it gives
// a response at once, a problem, or an Exchange, which says what the engine shall compute and how
// the response is written from what comes back.
//
//   request --handle--> Exchange{work, write}      Response, Problem: done
//                          |
//                work --engine--> vectors --write--> Response
//
// What may take long, or wait for others, and needs nothing computed is an Errand: it is run on a
// thread of its own kind.
//
// Threads: `handle` and `write` run on the io thread for small requests and on the bulk thread for
// large ones, so they touch nothing but their arguments.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/lane_choice.h"
#include "http/limits.h"
#include "http/problem.h"
#include "http/request.h"

namespace hilo::http {

// What the engine said of itself.
struct EngineAbout {
  std::string model = {};
  std::string backend = {};
  std::string precision = {};
  uint32_t dims = 0;
  uint32_t tokens_max = 0;
  bool normalized = false;
  bool cross_encoder = false;
  std::string score_label = {};  // of a cross-encoder
  bool token_vectors = false;
  std::string pooling = {};
  std::vector<std::string> prompts = {};
  std::vector<std::string> prompt_texts = {};  // of those, in their order

  friend bool operator==(const EngineAbout&, const EngineAbout&) = default;
};

// Lists of items back to back in one piece of memory: texts, or the token ids of texts.
template <class Item, class View>
class PackedLists {
 public:
  void add(View list) {
    items_.insert(items_.end(), list.begin(), list.end());
    ends_.push_back(items_.size());
  }
  size_t size() const { return ends_.size(); }
  size_t items() const { return items_.size(); }  // of all lists
  View operator[](size_t index) const {
    const size_t begin = index == 0 ? 0 : ends_[index - 1];
    return View{items_.data() + begin, ends_[index] - begin};
  }

 private:
  std::vector<Item> items_;
  std::vector<size_t> ends_;
};
using TextList = PackedLists<char, std::string_view>;
using TokenLists = PackedLists<uint32_t, std::span<const uint32_t>>;

// Two of the texts, by their places.
struct PairPlaces {
  uint32_t first;
  uint32_t second;
};

// What becomes of an input with more tokens than the model takes.
enum class Truncation : uint8_t { end, start, refuse };

// What the engine shall compute: texts; or token ids in their place; or pairs of the texts, whose
// vectors are scores.
struct Work {
  TextList texts;
  TokenLists tokens;
  std::vector<PairPlaces> pairs;
  std::string prompt_name;  // empty: none
  Truncation truncation = Truncation::end;
  bool raw = false;                  // vectors of any length, and logits for scores
  bool every_token = false;          // the vectors of its tokens for each input
  std::optional<LaneWish> priority;  // the body's wish

  size_t size() const { return pairs.empty() ? texts.size() + tokens.size() : pairs.size(); }
  // How many tokens an input may come to, where none has more than `tokens_max`; and all inputs.
  // How many a text has is not known before it is tokenized.
  size_t tokens_at_most(size_t index, uint32_t tokens_max) const {
    return tokens.size() == 0 ? tokens_max : std::min<size_t>(tokens[index].size(), tokens_max);
  }
  size_t tokens_at_most(uint32_t tokens_max) const {
    size_t sum = 0;
    for (size_t i = 0; i < size(); ++i) sum += tokens_at_most(i, tokens_max);
    return sum;
  }
};

// One vector for each input, in the order of the work; or, in their place, those of its tokens.
struct Vectors {
  struct Fact {
    uint32_t tokens = 0;
    bool truncated = false;
    uint64_t engine_ns = 0;
    Nanoseconds waited_ns = 0;  // here, before the engine had it
  };
  Nanoseconds took_ns = 0;  // from the whole request to the last vector
  size_t dims = 0;
  std::vector<float> values = {};
  std::vector<Fact> facts = {};
  // For each input by itself, so that no more than one of them is ever copied or written at once.
  std::vector<std::vector<float>> of_tokens = {};

  std::span<const float> operator[](size_t index) const {
    return {values.data() + index * dims, dims};
  }
  size_t size() const { return facts.size(); }
  uint64_t tokens() const {
    uint64_t sum = 0;
    for (const Fact& fact : facts) sum += fact.tokens;
    return sum;
  }
  size_t floats() const { return of_tokens.empty() ? values.size() : tokens() * dims; }
};

// How the response to an exchange is written: `write`, or, since vectors of tokens are many,
// `write_input` for one input after the other. The latter drops the vectors that it has written.
struct Exchange {
  Work work;
  std::function<Response(const Vectors&)> write = {};
  std::function<void(Response&, Vectors&, size_t input)> write_input = {};
};

struct Errand {
  std::function<Response()> run;
};

using Answer = std::variant<Response, Problem, Exchange, Errand>;

class MetricsPage;
class StatusPage;
class TextTokenizer;

// What routes may look at besides the request.
struct Context {
  const Limits& limits;
  // What the engine said; null before it was found. What it last said while it is away.
  const EngineAbout* about = nullptr;
  bool any_model = false;  // accept every model name
  bool connected = false;
  bool draining = false;
  std::string_view absence = {};      // why the engine is not connected, a sentence
  StatusPage* status_page = nullptr;  // for errands only, as the next
  MetricsPage* metrics_page = nullptr;
  const TextTokenizer* tokenizer = nullptr;  // null: none was given
};

struct Route {
  std::string_view method;
  std::string_view path;  // one that ends in /* matches whatever comes there
  Answer (*handle)(const Request&, const Context&);
  // The family's form of a problem.
  Response (*write_problem)(const Problem&);
  // Without an engine it is answered for the route, which then finds `about` in its context.
  bool needs_engine = true;
  // A larger body is work for the bulk thread.
  size_t bytes_at_once = body_bytes_at_once;
  // Where keys are asked for at all.
  bool needs_key = true;
};

}  // namespace hilo::http
