// A client with many random texts in flight that checks each vector against the text it is for.
#pragma once

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "engine_under_test.h"

namespace hilo {

struct RandomClient {
  uint32_t seed;
  uint32_t tasks;
  uint32_t dims;
  uint32_t tokens_max;
};

inline std::string random_text(std::mt19937& random) {
  std::string text(random() % (random() % 20 == 0 ? 3000 : 100), ' ');
  for (char& letter : text) letter = static_cast<char>('a' + random() % 26);
  return text;
}

inline void run_random_client(EngineUnderTest& test, const RandomClient& options) {
  std::mt19937 random{options.seed};
  hilo_client* const client = test.connect();
  std::map<hilo_task, std::string> in_flight;
  for (uint32_t submitted = 0, taken = 0; taken < options.tasks; ++taken) {
    for (; submitted < options.tasks && in_flight.size() < 100; ++submitted) {
      const std::string text = random_text(random);
      in_flight[submit(client, random() % 2 == 0 ? HILO_HIGH : HILO_LOW, text)] = text;
    }
    const hilo_result result = take_one(client);
    const auto task = in_flight.find(result.task);
    ASSERT_NE(task, in_flight.end()) << "an answer to nothing, or a second one";
    ASSERT_EQ(result.status, HILO_OK);
    EXPECT_EQ(std::vector<float>(result.vector, result.vector + options.dims),
              echo_of(task->second, options.dims, options.tokens_max));
    EXPECT_EQ(result.truncated != 0, task->second.size() > options.tokens_max);
    EXPECT_EQ(hilo_release(client, result.task), HILO_OK);
    in_flight.erase(task);
  }
  hilo_close(client);
}

}  // namespace hilo
