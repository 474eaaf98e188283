// Many texts at once: everything is submitted first, and vectors are read where the engine wrote
// them.
//
//   hilo serve --model DIR &
//   LIB=$PWD/build/release/lib
//   c++ -std=c++20 -Iinclude examples/c/client.cpp -L$LIB -Wl,-rpath,$LIB -lhilo -o client
//   ./client
#include <array>
#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

#include <hilo/hilo.h>

namespace {

struct Close {
  void operator()(hilo_client* client) const { hilo_close(client); }
};
using Client = std::unique_ptr<hilo_client, Close>;

Client open_client() {
  hilo_client* client = nullptr;
  // The channel that `hilo run` gave this program, or else the engine that `hilo serve` started.
  if (hilo_open(&client) != HILO_OK) hilo_connect(nullptr, HILO_LOW, &client);
  return Client{client};
}

int fail() {
  std::fprintf(stderr, "%s\n", hilo_last_error());
  return 1;
}

}  // namespace

int main() {
  const Client client = open_client();
  if (!client) return fail();

  constexpr std::array<std::string_view, 3> sentences{"a cat", "a kitten", "a tax form"};
  std::vector<hilo_text> texts;
  for (const std::string_view sentence : sentences)
    texts.push_back({.data = sentence.data(), .bytes = sentence.size()});
  std::vector<hilo_task> tasks(texts.size());
  size_t submitted = 0;
  hilo_submit_options options{};
  options.struct_bytes = sizeof options;
  options.lane = HILO_LOW;
  if (hilo_submit_many(client.get(), &options, texts.data(), texts.size(), tasks.data(),
                       &submitted) != HILO_OK)
    return fail();

  for (size_t finished = 0; finished < submitted;) {
    if (hilo_wait(client.get(), -1) != HILO_OK) return fail();
    std::array<hilo_result, 16> results;
    size_t taken = 0;
    hilo_take(client.get(), results.data(), results.size(), &taken);
    for (size_t i = 0; i < taken; ++i) {
      if (results[i].status != HILO_OK)
        std::printf("%s\n", hilo_strerror(results[i].status));
      else
        std::printf("%u tokens: %.4f ...\n", results[i].tokens, results[i].vector[0]);
      hilo_release(client.get(), results[i].task);
    }
    finished += taken;
  }
}
