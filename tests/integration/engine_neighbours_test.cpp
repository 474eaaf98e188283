// What a client gets beside others that take all they can. One core, and a backend that computes
// only when it is told to, so that the order of computation is what counts, and no clock.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine_under_test.h"
#include "latched_backend.h"

namespace hilo {
namespace {

// Of the lane, of a client, of so many tokens.
std::string text_of(char lane, char client, size_t tokens) {
  return std::string{lane} + std::string(tokens - 1, client);
}

class EngineNeighbours : public ::testing::Test {
 protected:
  // However a test ends, the workers can.
  void TearDown() override {
    permit_everything();
    for (hilo_client* const client : clients_) hilo_close(client);
  }
  void permit_everything() {
    backend_.permit_high(LatchedBackend::unlimited);
    backend_.permit_low(LatchedBackend::unlimited);
  }
  // A client that the engine knows: it has had an answer.
  hilo_client* connect() {
    clients_.push_back(test_.connect());
    backend_.permit_high(1);
    EXPECT_EQ(embed(clients_.back(), HILO_HIGH, "H").status, HILO_OK);
    return clients_.back();
  }
  static void submit_many(hilo_client* client, hilo_lane lane, const std::string& text, int count) {
    for (int i = 0; i < count; ++i) submit(client, lane, text);
  }
  static void take_all(hilo_client* client, int count) {
    for (int i = 0; i < count; ++i) {
      const hilo_result result = take_one(client);
      ASSERT_EQ(result.status, HILO_OK);
      ASSERT_EQ(hilo_release(client, result.task), HILO_OK);
    }
  }
  // How many of the batches since `began` began before the first with `text`.
  size_t batches_before(const std::string& text, size_t began) {
    const auto batches = backend_.batches(began);
    size_t before = began;
    while (before < batches.size() && std::ranges::count(batches[before], text) == 0) ++before;
    return before - began;
  }

  LatchedBackend backend_;
  EngineUnderTest test_{backend_, {.threads = 1, .tokens_max = 256, .prompts = {}}};
  std::vector<hilo_client*> clients_;
};

// The most batches that begin before a text which is its client's only one: the one under way, and
// one more, while the text is tokenized.
constexpr size_t batches_under_way = 2;

// Fails if a client waits for what another has queued in the same lane.
TEST_F(EngineNeighbours, AGreedyHighClientOnlyMakesItselfWait) {
  hilo_client* const greedy = connect();
  hilo_client* const modest = connect();
  const size_t began = backend_.batches(2).size();
  submit_many(greedy, HILO_HIGH, text_of('H', 'g', 60), 200);
  ASSERT_EQ(backend_.batches(began + 1).size(), began + 1);
  const hilo_task task = submit(modest, HILO_HIGH, text_of('H', 'm', 60));
  permit_everything();
  EXPECT_EQ(take_answer(modest, task).status, HILO_OK);
  take_all(greedy, 200);
  EXPECT_LE(batches_before(text_of('H', 'm', 60), began), batches_under_way);
}

// Fails if a client gets more of LOW by sending long texts, or by sending many.
TEST_F(EngineNeighbours, EightLowClientsGetEqualTokens) {
  constexpr size_t sizes[] = {16, 24, 32, 48, 64, 96, 128, 200};
  std::vector<hilo_client*> clients;
  for (size_t i = 0; i < std::size(sizes); ++i) clients.push_back(connect());
  // Nothing is computed until all have submitted everything.
  hilo_client* const first = connect();
  const size_t began = backend_.batches(std::size(sizes) + 1).size();
  submit(first, HILO_LOW, text_of('L', '0', 128));
  ASSERT_EQ(backend_.batches(began + 1).size(), began + 1);
  for (size_t i = 0; i < std::size(sizes); ++i)
    submit_many(clients[i], HILO_LOW, text_of('L', static_cast<char>('a' + i), sizes[i]), 240);

  // So few that each client still has texts that wait.
  constexpr int computed = 100;
  backend_.permit_low(computed);
  std::map<char, size_t> tokens;
  const auto batches = backend_.batches(began + computed);
  for (size_t i = began + 1; i < batches.size(); ++i)
    for (const std::string& text : batches[i]) tokens[text[1]] += text.size();
  ASSERT_EQ(tokens.size(), std::size(sizes));
  const auto [least, most] =
      std::ranges::minmax_element(tokens, {}, [](const auto& client) { return client.second; });
  EXPECT_LE(most->second - least->second, 2 * 200U);
  EXPECT_GT(least->second, 1000U);
}

// Fails if results that nobody takes hold up a worker, memory that others need, or a lane.
TEST_F(EngineNeighbours, ALowClientThatNeverTakesItsResultsHindersNobody) {
  hilo_client* const careless = connect();
  hilo_client* const low = connect();
  hilo_client* const high = connect();
  permit_everything();
  const std::string text = text_of('L', 'c', 200);
  submit_many(careless, HILO_LOW, text, 256);
  hilo_task task = 0;
  EXPECT_EQ(hilo_submit(careless, HILO_LOW, text.data(), text.size(), &task), HILO_FULL);
  for (int round = 0; round < 5; ++round) {
    submit_many(low, HILO_LOW, text_of('L', 'l', 100), 200);
    EXPECT_EQ(embed(high, HILO_HIGH, text_of('H', 'h', 20)).status, HILO_OK);
    take_all(low, 200);
  }
  take_all(careless, 256);  // They are all still there.
}

// Fails if a burst makes another HIGH client wait for it, loses a text, or if LOW does not go on
// when it is over.
TEST_F(EngineNeighbours, ABurstOfAThousandHighTextsIsOverWhenComputed) {
  hilo_client* const low = connect();
  hilo_client* const modest = connect();
  std::vector<hilo_client*> bursting;
  for (int i = 0; i < 4; ++i) bursting.push_back(connect());
  const size_t began = backend_.batches(6).size();
  submit_many(low, HILO_LOW, text_of('L', 'l', 128), 20);
  ASSERT_EQ(backend_.batches(began + 1).size(), began + 1);
  for (hilo_client* const client : bursting)
    submit_many(client, HILO_HIGH, text_of('H', 'b', 60), 250);
  ASSERT_EQ(backend_.batches(began + 2).size(), began + 2);
  const hilo_task task = submit(modest, HILO_HIGH, text_of('H', 'm', 60));

  backend_.permit_high(LatchedBackend::unlimited);
  EXPECT_EQ(take_answer(modest, task).status, HILO_OK);
  for (hilo_client* const client : bursting) take_all(client, 250);
  // LOW's, and one of each of the four.
  EXPECT_LE(batches_before(text_of('H', 'm', 60), began), 1 + 4 + batches_under_way);
  backend_.permit_low(LatchedBackend::unlimited);
  take_all(low, 20);
}

}  // namespace
}  // namespace hilo
