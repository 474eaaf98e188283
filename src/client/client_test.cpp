// The C interface against a small engine on another thread, through two mappings of the same
// memory.
#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <hilo/hilo.h>

#include "client/test_engine.h"
#include "protocol/bounds.h"

namespace hilo {
namespace {

class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(hilo_connect_fd(pair_.client.release(), HILO_ANY, &client_), HILO_OK)
        << hilo_last_error();
  }
  void TearDown() override { hilo_close(client_); }

  hilo_task submit(const std::string& text, hilo_lane lane = HILO_HIGH) {
    hilo_task task = 0;
    EXPECT_EQ(hilo_submit(client_, lane, text.data(), text.size(), &task), HILO_OK)
        << hilo_last_error();
    return task;
  }
  // Waits for one result.
  hilo_result take() {
    hilo_result result{};
    size_t taken = 0;
    while (taken == 0) {
      EXPECT_EQ(hilo_wait(client_, 10'000), HILO_OK) << hilo_last_error();
      const hilo_status status = hilo_take(client_, &result, 1, &taken);
      EXPECT_TRUE(status == HILO_OK || status == HILO_EMPTY) << hilo_last_error();
      if (testing::Test::HasFailure()) break;
    }
    return result;
  }

  SocketPair pair_;
  TestEngineThread engine_{std::move(pair_.engine)};
  hilo_client* client_ = nullptr;
};

void expect_vector_of(const std::string& text, const float* vector) {
  ASSERT_NE(vector, nullptr);
  for (uint32_t i = 0; i < test_spec.dims; ++i) ASSERT_EQ(vector[i], test_value(text, i)) << i;
}

TEST_F(ClientTest, TellsWhatTheEngineSays) {
  hilo_info_t info{};
  ASSERT_EQ(hilo_info(client_, &info), HILO_OK);
  EXPECT_EQ(info.lanes, HILO_ANY);
  EXPECT_EQ(info.dims, 8U);
  EXPECT_EQ(info.tokens_max, 16U);
  EXPECT_EQ(info.tasks_max, static_cast<uint32_t>(HILO_TASKS_MAX));
  EXPECT_EQ(info.text_bytes_max, static_cast<uint32_t>(HILO_TEXT_BYTES_MAX));
  EXPECT_EQ(info.json, test_spec.info);
}

TEST_F(ClientTest, EveryTextComesBackAsItsVector) {
  for (const size_t bytes :
       {size_t{0}, size_t{1}, size_t{63}, size_t{4096}, size_t{text_bytes_max}}) {
    const std::string text(bytes, 'a');
    const hilo_task task = submit(text);
    const hilo_result result = take();
    EXPECT_EQ(result.task, task);
    ASSERT_EQ(result.status, HILO_OK);
    expect_vector_of(text, result.vector);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(result.vector) % 64, 0U);
    EXPECT_EQ(hilo_release(client_, task), HILO_OK);
  }
}

// Goal: a text that begins with NUL bytes or has invalid UTF-8 crosses unchanged; judging is the
// engine's.
TEST_F(ClientTest, BytesCrossUnchanged) {
  const std::string text("\0\xff\xc0x\0", 5);
  const hilo_task task = submit(text);
  const hilo_result result = take();
  expect_vector_of(text, result.vector);
  EXPECT_EQ(hilo_release(client_, task), HILO_OK);
}

TEST_F(ClientTest, SaysWhyATaskHasNoVector) {
  const std::vector<std::pair<CompletionStatus, hilo_status>> cases{
      {CompletionStatus::text_too_long, HILO_TEXT_TOO_LONG},
      {CompletionStatus::invalid_utf8, HILO_INVALID_UTF8},
      {CompletionStatus::invalid_entry, HILO_INVALID_ARGUMENT},
      {CompletionStatus::cancelled, HILO_CANCELLED},
      {CompletionStatus::expired, HILO_EXPIRED},
      {CompletionStatus::shutting_down, HILO_SHUTTING_DOWN},
      {CompletionStatus::refused, HILO_REFUSED},
      {CompletionStatus::failed, HILO_FAILED},
      {CompletionStatus::too_many_tokens, HILO_TOO_MANY_TOKENS},
      {CompletionStatus::unknown_id, HILO_UNKNOWN_ID},
      {static_cast<CompletionStatus>(999), HILO_FAILED}};
  for (const auto& [status, expected] : cases) {
    const hilo_task task = submit("status:" + std::to_string(static_cast<uint32_t>(status)));
    const hilo_result result = take();
    EXPECT_EQ(result.task, task);
    EXPECT_EQ(result.status, expected);
    EXPECT_EQ(result.vector, nullptr);
    EXPECT_EQ(result.retry_after_ms, status == CompletionStatus::refused ? 70U : 0U);
    EXPECT_EQ(hilo_release(client_, task), HILO_INVALID_ARGUMENT);
  }
}

// Goal: lane, prompt and deadline arrive as they were asked for.
TEST_F(ClientTest, OptionsCross) {
  hilo_submit_options options = options_for(HILO_LOW);
  options.timeout_ms = 60'000;
  options.prompt_name = "passage";
  const hilo_text text{"x", 1};
  hilo_task task = 0;
  size_t submitted = 0;
  const Instant before = monotonic_now();
  ASSERT_EQ(hilo_submit_many(client_, &options, &text, 1, &task, &submitted), HILO_OK);
  const hilo_result result = take();
  EXPECT_EQ(result.tokens, 2U);                                  // the prompt's number
  EXPECT_EQ(result.truncated, static_cast<uint32_t>(HILO_LOW));  // the lane
  EXPECT_GE(result.engine_ns, static_cast<uint64_t>((before + 60 * second_ns).ns));
  EXPECT_LE(result.engine_ns, static_cast<uint64_t>((monotonic_now() + 60 * second_ns).ns));

  hilo_submit_options wrong = options;
  wrong.prompt_name = "no such prompt";
  EXPECT_EQ(hilo_submit_many(client_, &wrong, &text, 1, &task, &submitted), HILO_INVALID_ARGUMENT);
  wrong = options;
  wrong.struct_bytes = 8;
  EXPECT_EQ(hilo_submit_many(client_, &wrong, &text, 1, &task, &submitted), HILO_INVALID_ARGUMENT);
  wrong = options;
  wrong.lane = HILO_ANY;
  EXPECT_EQ(hilo_submit_many(client_, &wrong, &text, 1, &task, &submitted), HILO_INVALID_ARGUMENT);
}

class InputTest : public ClientTest {
 protected:
  // The fields of the entry that comes of texts which begin with "fields".
  std::vector<float> fields_of(const hilo_submit_options& options,
                               const std::vector<hilo_text>& texts) {
    hilo_task task = 0;
    size_t submitted = 0;
    EXPECT_EQ(hilo_submit_many(client_, &options, texts.data(), 1, &task, &submitted), HILO_OK)
        << hilo_last_error();
    const hilo_result result = take();
    std::vector<float> fields(result.vector, result.vector + 5);
    EXPECT_EQ(hilo_release(client_, task), HILO_OK);
    return fields;
  }
  void expect_invalid(const hilo_submit_options& options, const hilo_text& text,
                      const std::string& sentence) {
    const std::vector<hilo_text> two{text, text};
    hilo_task task = 0;
    size_t submitted = 0;
    EXPECT_EQ(hilo_submit_many(client_, &options, two.data(), 1, &task, &submitted),
              HILO_INVALID_ARGUMENT);
    EXPECT_EQ(submitted, 0U);
    EXPECT_NE(std::string{hilo_last_error()}.find(sentence), std::string::npos)
        << hilo_last_error();
  }
};

// Goal: what a task is given as, and its flags, arrive as they were asked for.
TEST_F(InputTest, FlagsCross) {
  const std::vector<hilo_text> text{{"fields..", 8}};
  hilo_submit_options options = options_for(HILO_HIGH);
  EXPECT_EQ(fields_of(options, text), (std::vector<float>{0, 0, 0, 0, 0}));
  options.truncation = HILO_TRUNCATE_START;
  options.raw = 1;
  EXPECT_EQ(fields_of(options, text), (std::vector<float>{0, 1, 1, 0, 0}));
  options.tokens_from = 3;
  options.input = HILO_IDS;
  options.truncation = HILO_TRUNCATE_REFUSE;
  EXPECT_EQ(fields_of(options, text), (std::vector<float>{1, 2, 1, 0, 3}));
}

// Goal: a program that was compiled before there were inputs means what it meant.
TEST_F(InputTest, WhatAnOlderCallerDoesNotKnowIsZero) {
  hilo_submit_options options = options_for(HILO_HIGH);
  options.struct_bytes = offsetof(hilo_submit_options, input);
  options.input = HILO_PAIR;  // In its memory, something else.
  options.raw = 77;
  options.tokens_from = 77;
  EXPECT_EQ(fields_of(options, {{"fields", 6}}), (std::vector<float>{0, 0, 0, 0, 0}));
  options.struct_bytes -= 1;
  expect_invalid(options, {"fields", 6}, "struct_bytes");
}

TEST_F(InputTest, WhatMakesNoSenseIsRefusedBeforeItIsSent) {
  const hilo_submit_options text = options_for(HILO_HIGH);
  hilo_submit_options options = text;
  options.raw = 2;
  expect_invalid(options, {"x", 1}, "raw");
  options = text;
  options.tokens_from = test_spec.tokens_max + 1;
  expect_invalid(options, {"x", 1}, "tokens_from");
  options = text;
  options.input = static_cast<hilo_input>(3);
  expect_invalid(options, {"x", 1}, "input");
  options = text;
  options.truncation = static_cast<hilo_truncation>(3);
  expect_invalid(options, {"x", 1}, "truncation");
  options = text;
  options.input = HILO_IDS;
  expect_invalid(options, {"", 0}, "ids");
  expect_invalid(options, {"12345", 5}, "ids");
  options.prompt_name = "query";
  expect_invalid(options, {"1234", 4}, "prompt");
  options = text;
  options.input = HILO_PAIR;
  expect_invalid(options, {"x", 1}, "cross-encoder");
}

// Goal: texts of pairs come two a task, in order, and have the room of one text together.
TEST(CrossEncoderClient, PairsCross) {
  SocketPair pair;
  const TestEngineThread engine{std::move(pair.engine), cross_encoder_spec};
  hilo_client* client = nullptr;
  ASSERT_EQ(hilo_connect_fd(pair.client.release(), HILO_ANY, &client), HILO_OK);
  hilo_submit_options options = options_for(HILO_HIGH);
  options.input = HILO_PAIR;
  const std::string large(text_bytes_max, 'x');
  const std::vector<hilo_text> texts{
      {"fields", 6}, {"abc", 3}, {"", 0}, {"fields", 6}, {large.data(), large.size()}, {"y", 1}};
  std::vector<hilo_task> tasks(3);
  size_t submitted = 0;
  EXPECT_EQ(hilo_submit_many(client, &options, texts.data(), 3, tasks.data(), &submitted),
            HILO_TEXT_TOO_LONG);
  ASSERT_EQ(submitted, 2U);
  for (const float second_begins : {6.0F, 0.0F}) {
    hilo_result result{};
    size_t taken = 0;
    while (taken == 0 && hilo_wait(client, 10'000) == HILO_OK)
      hilo_take(client, &result, 1, &taken);
    ASSERT_EQ(result.status, HILO_OK);
    EXPECT_EQ(std::vector<float>(result.vector, result.vector + 5),
              (std::vector<float>{2, 0, 0, second_begins, 0}));
  }
  hilo_close(client);
}

// Goal: exactly HILO_TASKS_MAX tasks can be open, and each release makes room for exactly one.
TEST_F(ClientTest, FullMeansFull) {
  std::vector<hilo_text> texts(300, hilo_text{"x", 1});
  std::vector<hilo_task> tasks(300);
  size_t submitted = 0;
  const hilo_submit_options options = options_for(HILO_LOW);
  EXPECT_EQ(hilo_submit_many(client_, &options, texts.data(), 300, tasks.data(), &submitted),
            HILO_FULL);
  ASSERT_EQ(submitted, static_cast<size_t>(HILO_TASKS_MAX));
  EXPECT_EQ(std::set<hilo_task>(tasks.begin(), tasks.begin() + HILO_TASKS_MAX).size(), submitted);
  std::vector<hilo_task> lent;
  for (size_t i = 0; i < submitted; ++i) lent.push_back(take().task);
  hilo_task task;
  EXPECT_EQ(hilo_submit(client_, HILO_HIGH, "x", 1, &task), HILO_FULL);
  ASSERT_EQ(hilo_release(client_, lent[0]), HILO_OK);
  EXPECT_EQ(hilo_submit(client_, HILO_HIGH, "x", 1, &task), HILO_OK);
  hilo_task another;
  EXPECT_EQ(hilo_submit(client_, HILO_HIGH, "x", 1, &another), HILO_FULL);
  EXPECT_EQ(take().task, task);
  EXPECT_FALSE(engine_.engine().violated);
}

// Goal: a task for vectors of tokens gets in alone only, and nothing gets in beside it until it is
// released; its client is told so, and the engine finds nothing wrong.
TEST_F(ClientTest, VectorsOfTokensTakeTheRoomOfAll) {
  hilo_submit_options options = options_for(HILO_HIGH);
  options.tokens_from = 1;
  const hilo_text text{"abc", 3};
  std::vector<hilo_task> tasks(2);
  size_t submitted = 0;
  const auto submit_for_tokens = [&](size_t count) {
    const std::vector<hilo_text> texts(count, text);
    return hilo_submit_many(client_, &options, texts.data(), count, tasks.data(), &submitted);
  };
  const hilo_task other = submit("x");
  EXPECT_EQ(submit_for_tokens(1), HILO_FULL);
  take();
  EXPECT_EQ(submit_for_tokens(1), HILO_FULL);  // It is lent.
  ASSERT_EQ(hilo_release(client_, other), HILO_OK);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(submit_for_tokens(2), HILO_FULL);
    ASSERT_EQ(submitted, 1U);
    hilo_task task;
    EXPECT_EQ(hilo_submit(client_, HILO_LOW, "x", 1, &task), HILO_FULL);
    EXPECT_EQ(take().task, tasks[0]);
    EXPECT_EQ(hilo_submit(client_, HILO_LOW, "x", 1, &task), HILO_FULL);
    float vector[8];
    EXPECT_EQ(hilo_embed(client_, HILO_LOW, "x", 1, vector, 8), HILO_FULL);
    ASSERT_EQ(hilo_release(client_, tasks[0]), HILO_OK);
    EXPECT_EQ(hilo_release(client_, tasks[0]), HILO_INVALID_ARGUMENT);
  }
  submit("x");
  take();
  EXPECT_FALSE(engine_.engine().violated);
}

// Goal: the text ring fills before the tasks do, and is reusable as soon as the engine has copied.
TEST_F(ClientTest, TheTextRingFillsAndEmpties) {
  const std::string text(text_bytes_max, 'b');
  for (int round = 0; round < 10; ++round) {
    std::vector<hilo_text> texts(50, hilo_text{text.data(), text.size()});
    std::vector<hilo_task> tasks(50);
    size_t submitted = 0;
    const hilo_submit_options options = options_for(HILO_LOW);
    EXPECT_EQ(hilo_submit_many(client_, &options, texts.data(), 50, tasks.data(), &submitted),
              HILO_FULL);
    ASSERT_GE(submitted, text_arena_bytes / text_bytes_max - 1);
    for (size_t i = 0; i < submitted; ++i) {
      const hilo_result result = take();
      expect_vector_of(text, result.vector);
      EXPECT_EQ(hilo_release(client_, result.task), HILO_OK);
    }
  }
}

// Fails if more is sent in a lane than the engine has room for, if that is in the way of the other
// lane, or if the room is not there again when a result was taken. The engine holds what it got, so
// that the text ring is empty.
TEST_F(ClientTest, OpenTextsOfALaneAreBounded) {
  const std::string giant = "hold" + std::string(text_bytes_max - 4, 'g');
  std::vector<hilo_task> held;
  while (held.size() < text_bytes_open_max / giant.size()) {
    hilo_task task = 0;
    const hilo_status status = hilo_submit(client_, HILO_LOW, giant.data(), giant.size(), &task);
    if (status == HILO_OK) held.push_back(task);
    if (status == HILO_FULL) std::this_thread::yield();  // The ring is: the engine reads it now.
  }
  hilo_task task = 0;
  while (hilo_submit(client_, HILO_HIGH, "x", 1, &task) == HILO_FULL) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(hilo_release(client_, take().task), HILO_OK);
    submit(giant.substr(4), HILO_HIGH);  // The ring has room.
    EXPECT_EQ(hilo_submit(client_, HILO_LOW, "x", 1, &task), HILO_FULL);
  }
  EXPECT_EQ(hilo_release(client_, take().task), HILO_OK);
  ASSERT_EQ(hilo_cancel(client_, held[0]), HILO_OK);
  EXPECT_EQ(take().status, HILO_CANCELLED);
  task = submit("x", HILO_LOW);
  EXPECT_EQ(take().task, task);
}

TEST_F(ClientTest, WrongArgumentsAreToldAndHarmless) {
  hilo_task task;
  hilo_result result;
  size_t taken;
  float vector[8];
  const std::string too_long(text_bytes_max + 1, 'x');
  EXPECT_EQ(hilo_submit(client_, HILO_HIGH, too_long.data(), too_long.size(), &task),
            HILO_TEXT_TOO_LONG);
  EXPECT_EQ(hilo_submit(client_, HILO_HIGH, nullptr, 1, &task), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_submit(client_, HILO_HIGH, "x", 1, nullptr), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_submit(client_, HILO_ANY, "x", 1, &task), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_submit(client_, static_cast<hilo_lane>(3), "x", 1, &task), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_submit(nullptr, HILO_HIGH, "x", 1, &task), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_take(client_, nullptr, 1, &taken), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_take(client_, &result, 0, &taken), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_take(client_, &result, 1, &taken), HILO_EMPTY);
  EXPECT_EQ(hilo_release(client_, 0), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_release(client_, ~uint64_t{0}), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_cancel(client_, 12345), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_embed(client_, HILO_HIGH, "x", 1, vector, 7), HILO_INVALID_ARGUMENT);
  EXPECT_NE(std::string{hilo_last_error()}.find("dims"), std::string::npos);
  EXPECT_EQ(hilo_echo(client_, too_long.data(), 33, vector), HILO_TEXT_TOO_LONG);
  EXPECT_EQ(hilo_wait(nullptr, 0), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_info(nullptr, nullptr), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_descriptor(nullptr), -1);
  hilo_disarm(nullptr);
  hilo_close(nullptr);
  EXPECT_EQ(hilo_submit(client_, HILO_HIGH, nullptr, 0, &task), HILO_OK);
  EXPECT_EQ(take().task, task);
}

// Goal: names of tasks are used once: a vector is released once, and a name never means another
// task.
TEST_F(ClientTest, NamesAreUsedOnce) {
  const hilo_task first = submit("a");
  EXPECT_EQ(hilo_release(client_, first), HILO_INVALID_ARGUMENT);  // not taken yet
  take();
  EXPECT_EQ(hilo_cancel(client_, first), HILO_INVALID_ARGUMENT);  // taken already
  EXPECT_EQ(hilo_release(client_, first), HILO_OK);
  EXPECT_EQ(hilo_release(client_, first), HILO_INVALID_ARGUMENT);
  const hilo_task second = submit("b");
  EXPECT_NE(second, first);
  EXPECT_EQ(hilo_cancel(client_, first), HILO_INVALID_ARGUMENT);
  take();
  EXPECT_EQ(hilo_release(client_, first), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_release(client_, second), HILO_OK);
}

// Goal: a cancelled task gets exactly one result, however often it is cancelled.
TEST_F(ClientTest, CancelGivesExactlyOneResult) {
  for (int round = 0; round < 500; ++round) {
    const hilo_task task = submit("hold");
    for (int i = 0; i < 5; ++i) ASSERT_EQ(hilo_cancel(client_, task), HILO_OK);
    const hilo_result result = take();
    EXPECT_EQ(result.task, task);
    ASSERT_EQ(result.status, HILO_CANCELLED);
  }
  hilo_result none;
  size_t taken;
  EXPECT_EQ(hilo_take(client_, &none, 1, &taken), HILO_EMPTY);
}

TEST_F(ClientTest, EmbedAndEchoAreSimple) {
  float vector[8];
  ASSERT_EQ(hilo_embed(client_, HILO_LOW, "abc", 3, vector, 8), HILO_OK) << hilo_last_error();
  expect_vector_of("abc", vector);
  EXPECT_EQ(hilo_embed(client_, HILO_LOW, "status:8", 8, vector, 8), HILO_FAILED);
  char back[32];
  const char sent[33] = "0123456789abcdef0123456789abcdef";
  ASSERT_EQ(hilo_echo(client_, sent, 32, back), HILO_OK);
  EXPECT_EQ(std::memcmp(sent, back, 32), 0);
  EXPECT_EQ(hilo_echo(client_, nullptr, 0, nullptr), HILO_OK);

  const hilo_task open = submit("x");
  EXPECT_EQ(hilo_embed(client_, HILO_HIGH, "abc", 3, vector, 8), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(take().task, open);
  EXPECT_EQ(hilo_embed(client_, HILO_HIGH, "abc", 3, vector, 8), HILO_OK);
}

// Goal: no task is lost, doubled or mixed up while rings and arena go round thousands of times.
// Method: a million tasks of many lengths, taken in batches; every vector is checked.
TEST_F(ClientTest, AMillionTasksGoRound) {
  constexpr uint32_t tasks = 1'000'000;
  std::string text;
  std::vector<hilo_result> results(64);
  uint32_t submitted = 0;
  uint32_t finished = 0;
  std::vector<uint32_t> number_of(tasks_per_client_max);
  const auto text_of = [&](uint32_t number) {
    text.assign(number % 97 == 0 ? 3000 : number % 61, static_cast<char>('a' + number % 26));
    text.append(std::to_string(number));
  };
  while (finished < tasks) {
    while (submitted < tasks) {
      text_of(submitted);
      hilo_task task;
      const hilo_status status = hilo_submit(client_, HILO_HIGH, text.data(), text.size(), &task);
      if (status == HILO_FULL) break;
      ASSERT_EQ(status, HILO_OK);
      number_of[task & 255] = submitted++;
    }
    ASSERT_EQ(hilo_wait(client_, 10'000), HILO_OK);
    size_t taken = 0;
    hilo_take(client_, results.data(), results.size(), &taken);
    for (size_t i = 0; i < taken; ++i) {
      text_of(number_of[results[i].task & 255]);
      ASSERT_EQ(results[i].status, HILO_OK);
      ASSERT_EQ(results[i].vector[0], test_value(text, 0));
      ASSERT_EQ(results[i].vector[7], test_value(text, 7));
      ASSERT_EQ(hilo_release(client_, results[i].task), HILO_OK);
    }
    finished += static_cast<uint32_t>(taken);
  }
  EXPECT_FALSE(engine_.engine().violated);
}

// Goal: a status has a sentence, and so has what is none.
TEST(Status, EveryStatusHasASentence) {
  std::set<std::string> sentences;
  for (int status = HILO_OK; status <= HILO_UNKNOWN_ID; ++status)
    sentences.insert(hilo_strerror(static_cast<hilo_status>(status)));
  EXPECT_EQ(sentences.size(), static_cast<size_t>(HILO_UNKNOWN_ID) + 1);
  EXPECT_EQ(sentences.count(hilo_strerror(static_cast<hilo_status>(31))), 0U);
  EXPECT_STRNE(hilo_version(), "");
}

}  // namespace
}  // namespace hilo
