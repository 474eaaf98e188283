// What a task may be given as, and its flags, with a backend whose tokens are bytes.
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backend/echo.h"
#include "engine_under_test.h"

namespace hilo {
namespace {

constexpr uint32_t tokens_max = 10;

class EngineInputs : public testing::Test {
 protected:
  ~EngineInputs() override { hilo_close(client_); }

  // The result of one task; its vector is still lent.
  hilo_result run(const hilo_submit_options& options, const std::string& text) {
    const hilo_task task = submit_as(client_, options, text);
    const hilo_result result = take_one(client_);
    EXPECT_EQ(result.task, task);
    return result;
  }
  void expect_echo(const hilo_submit_options& options, const std::string& given,
                   const std::string& computed) {
    const hilo_result result = run(options, given);
    ASSERT_EQ(result.status, HILO_OK) << hilo_strerror(result.status);
    EXPECT_EQ(std::vector<float>(result.vector, result.vector + echo_dims),
              echo_of(computed, echo_dims, tokens_max));
    EXPECT_EQ(result.tokens, computed.size());
    const size_t tokens =
        options.input == HILO_IDS ? given.size() / sizeof(uint32_t) : given.size();
    EXPECT_EQ(result.truncated != 0, tokens > tokens_max);
    EXPECT_EQ(hilo_release(client_, result.task), HILO_OK);
  }
  void expect_status(const hilo_submit_options& options, const std::string& given,
                     hilo_status status, uint32_t tokens) {
    const hilo_result result = run(options, given);
    EXPECT_EQ(result.status, status);
    EXPECT_EQ(result.tokens, tokens);
    EXPECT_EQ(result.vector, nullptr);
  }

  const std::unique_ptr<Backend> backend_ = make_echo_backend();
  EngineUnderTest test_{*backend_, {.threads = 0, .tokens_max = tokens_max, .prompts = {}}};
  hilo_client* const client_ = test_.connect();
};

// The bytes of these ids.
std::string ids_of(const std::string& text) {
  std::string bytes;
  for (const char letter : text) {
    const uint32_t id = static_cast<uint8_t>(letter);
    bytes.append(reinterpret_cast<const char*>(&id), sizeof(id));
  }
  return bytes;
}

hilo_submit_options with(hilo_input input, hilo_truncation truncation = HILO_TRUNCATE_END,
                         hilo_lane lane = HILO_HIGH) {
  hilo_submit_options options = options_for(lane);
  options.input = input;
  options.truncation = truncation;
  return options;
}

// Fails if ids are anything but the tokens themselves, or go astray between texts of both lanes.
TEST_F(EngineInputs, IdsAreTheTokens) {
  for (const hilo_lane lane : {HILO_HIGH, HILO_LOW})
    for (size_t length = 1; length <= tokens_max; ++length) {
      const std::string text = std::string("0123456789").substr(0, length);
      expect_echo(with(HILO_IDS, HILO_TRUNCATE_REFUSE, lane), ids_of(text), text);
      expect_echo(with(HILO_TEXT, HILO_TRUNCATE_REFUSE, lane), text, text);
    }
}

TEST_F(EngineInputs, WhatIsTooLongIsCutWhereItIsToBe) {
  const std::string text = "0123456789abc";
  expect_echo(with(HILO_TEXT), text, "0123456789");
  expect_echo(with(HILO_IDS), ids_of(text), "0123456789");
  expect_echo(with(HILO_TEXT, HILO_TRUNCATE_START), text, "3456789abc");
  expect_echo(with(HILO_IDS, HILO_TRUNCATE_START), ids_of(text), "3456789abc");
  expect_status(with(HILO_TEXT, HILO_TRUNCATE_REFUSE), text, HILO_TOO_MANY_TOKENS, tokens_max);
  expect_status(with(HILO_IDS, HILO_TRUNCATE_REFUSE), ids_of(text), HILO_TOO_MANY_TOKENS,
                tokens_max);
}

// Fails if an id that the model does not know is computed, wherever it stands, or if one that is
// cut off is asked for.
TEST_F(EngineInputs, UnknownIdsAreTheirTasksAnswer) {
  for (size_t place = 0; place < tokens_max; ++place) {
    std::vector<uint32_t> ids(tokens_max, 7);
    ids[place] = backend_->vocabulary();
    const std::string bytes(reinterpret_cast<const char*>(ids.data()), ids.size() * 4);
    EXPECT_EQ(run(with(HILO_IDS), bytes).status, HILO_UNKNOWN_ID) << place;
    ids[place] = UINT32_MAX;
    const std::string largest(reinterpret_cast<const char*>(ids.data()), ids.size() * 4);
    EXPECT_EQ(run(with(HILO_IDS), largest).status, HILO_UNKNOWN_ID) << place;
  }
  const std::string unknown = "\xff\xff\xff\xff";
  expect_echo(with(HILO_IDS), ids_of("0123456789") + unknown, "0123456789");
  expect_echo(with(HILO_IDS, HILO_TRUNCATE_START), unknown + ids_of("0123456789"), "0123456789");
  EXPECT_EQ(run(with(HILO_IDS, HILO_TRUNCATE_START), ids_of("0123456789") + unknown).status,
            HILO_UNKNOWN_ID);
}

// A text's bytes are its tokens, more of them than a task has vectors for.
class EngineTokens : public testing::Test {
 protected:
  static constexpr uint32_t longest = 700;
  ~EngineTokens() override { hilo_close(client_); }

  void expect_tokens(const hilo_submit_options& options, const std::string& given,
                     const std::string& computed) {
    std::vector<float> vectors(longest * echo_dims);
    size_t tokens = 0;
    const hilo_text text{given.data(), given.size()};
    ASSERT_EQ(hilo_embed_tokens(client_, &options, &text, vectors.data(), longest, &tokens),
              HILO_OK)
        << hilo_last_error();
    ASSERT_EQ(tokens, computed.size());
    for (size_t token = 0; token < tokens; ++token)
      ASSERT_EQ(std::vector<float>(vectors.begin() + token * echo_dims,
                                   vectors.begin() + (token + 1) * echo_dims),
                echo_of(computed.substr(token, 1), echo_dims, 1))
          << token;
  }

  const std::unique_ptr<Backend> backend_ = make_echo_backend();
  EngineUnderTest test_{*backend_, {.threads = 0, .tokens_max = longest, .prompts = {}}};
  hilo_client* const client_ = test_.connect();
};

std::string text_of(size_t tokens) {
  std::mt19937 random{11};
  std::string text;
  for (size_t i = 0; i < tokens; ++i) text += static_cast<char>('a' + random() % 26);
  return text;
}

// Fails if a token's vector is another's, or one is missing where a task ends and the next begins.
TEST_F(EngineTokens, AllAreThere) {
  for (const size_t tokens : {0U, 1U, 2U, 255U, 256U, 257U, 512U, 513U, 699U, 700U}) {
    SCOPED_TRACE(tokens);
    const std::string text = text_of(tokens);
    for (const hilo_lane lane : {HILO_HIGH, HILO_LOW}) expect_tokens(options_for(lane), text, text);
    if (tokens > 0) expect_tokens(with(HILO_IDS), ids_of(text), text);
  }
  const std::string text = text_of(900);
  expect_tokens(with(HILO_TEXT), text, text.substr(0, longest));
  expect_tokens(with(HILO_TEXT, HILO_TRUNCATE_START), text, text.substr(200));
}

TEST_F(EngineTokens, WhatHasNoneSaysSo) {
  std::vector<float> vectors(2 * echo_dims);
  size_t tokens = 0;
  const auto ask = [&](const hilo_submit_options& options, const std::string& given) {
    const hilo_text text{given.data(), given.size()};
    return hilo_embed_tokens(client_, &options, &text, vectors.data(), 2, &tokens);
  };
  EXPECT_EQ(ask(with(HILO_TEXT), text_of(300)), HILO_FULL);
  EXPECT_EQ(tokens, 300U);
  EXPECT_EQ(ask(with(HILO_TEXT, HILO_TRUNCATE_REFUSE), text_of(701)), HILO_TOO_MANY_TOKENS);
  EXPECT_EQ(ask(with(HILO_TEXT), "\xff"), HILO_INVALID_UTF8);
  EXPECT_EQ(ask(with(HILO_PAIR), "x"), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(ask(with(HILO_TEXT), "ab"), HILO_OK);

  // From behind the last one there are none.
  hilo_submit_options options = with(HILO_TEXT);
  options.tokens_from = 3;
  submit_as(client_, options, "ab");
  const hilo_result result = take_one(client_);
  EXPECT_EQ(result.status, HILO_OK);
  EXPECT_EQ(result.tokens, 2U);
  EXPECT_EQ(ask(with(HILO_TEXT), "ab"), HILO_FULL);
  EXPECT_EQ(tokens, 0U);
  ASSERT_EQ(hilo_release(client_, result.task), HILO_OK);
  EXPECT_EQ(ask(with(HILO_TEXT), "ab"), HILO_OK);
  EXPECT_EQ(embed(client_, HILO_HIGH, "ab").status, HILO_OK);
}

// Fails if tasks of all kinds, many at a time, get another's answer, or leave something behind.
TEST_F(EngineInputs, ManyOfAllKinds) {
  std::mt19937 random{5};
  for (int round = 0; round < 40; ++round) {
    std::map<hilo_task, std::string> expected;
    for (int i = 0; i < 100; ++i) {
      const std::string text = std::to_string(random()) + "abc";
      const auto input = random() % 2 == 0 ? HILO_TEXT : HILO_IDS;
      const bool start = random() % 2 == 0;
      const hilo_submit_options options =
          with(input, start ? HILO_TRUNCATE_START : HILO_TRUNCATE_END,
               random() % 2 == 0 ? HILO_HIGH : HILO_LOW);
      const hilo_task task = submit_as(client_, options, input == HILO_IDS ? ids_of(text) : text);
      const size_t kept = std::min<size_t>(text.size(), tokens_max);
      expected[task] = start ? text.substr(text.size() - kept) : text.substr(0, kept);
    }
    while (!expected.empty()) {
      const hilo_result result = take_one(client_);
      ASSERT_EQ(result.status, HILO_OK);
      ASSERT_TRUE(expected.contains(result.task));
      EXPECT_EQ(std::vector<float>(result.vector, result.vector + echo_dims),
                echo_of(expected[result.task], echo_dims, tokens_max));
      expected.erase(result.task);
      hilo_release(client_, result.task);
    }
  }
}

}  // namespace
}  // namespace hilo
