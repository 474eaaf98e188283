// Clients that do not use the library: they may write anything.
#include <cstring>
#include <random>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "backend/echo.h"
#include "engine_under_test.h"
#include "latched_backend.h"
#include "random_client.h"

namespace hilo {
namespace {

Submission text_entry(Opcode opcode, uint32_t text_bytes) {
  Submission entry{};
  entry.opcode = opcode;
  entry.task = 77;
  entry.text_bytes = text_bytes;
  return entry;
}

// The echo backend, but for vectors of tokens.
class PooledOnly final : public Backend {
 public:
  uint32_t dims() const override { return echo_->dims(); }
  uint32_t vocabulary() const override { return echo_->vocabulary(); }
  std::string describe() const override { return "pooled"; }
  size_t bytes() const override { return 0; }
  std::unique_ptr<Workspace> make_workspace(uint32_t tokens, uint32_t texts,
                                            Lane lane) const override {
    return echo_->make_workspace(tokens, texts, lane);
  }
  bool run(const TokenBatch& batch, Workspace& workspace, const YieldGate& gate,
           std::span<float* const> vectors) const override {
    return echo_->run(batch, workspace, gate, vectors);
  }

 private:
  const std::unique_ptr<Backend> echo_ = make_echo_backend();
};

struct Case {
  std::string fault;
  Submission entry;
  CompletionStatus answer;
};

std::vector<Case> cases() {
  const Submission embed = text_entry(Opcode::embed, 4);
  std::vector<Case> table;
  const auto add = [&](std::string fault, CompletionStatus answer,
                       Submission entry) -> Submission& {
    table.push_back({std::move(fault), entry, answer});
    return table.back().entry;
  };
  // At first, while no vector is lent.
  add("vectors of tokens behind the last", CompletionStatus::invalid_entry, embed).tokens_from =
      257;
  add("none", CompletionStatus::ok, embed);
  add("a known prompt", CompletionStatus::ok, embed).prompt = 2;
  add("an unknown prompt", CompletionStatus::invalid_entry, embed).prompt = 3;
  add("an unknown lane", CompletionStatus::invalid_entry, embed).lane = 2;
  add("an unknown input", CompletionStatus::invalid_entry, embed).input = 3;
  add("an unknown truncation", CompletionStatus::invalid_entry, embed).truncation = 3;
  add("raw", CompletionStatus::ok, embed).raw = 1;
  add("more than raw", CompletionStatus::invalid_entry, embed).raw = 2;
  add("a pair for no cross-encoder", CompletionStatus::invalid_entry, embed).input = 2;
  Submission ids = embed;
  ids.input = static_cast<uint32_t>(Input::ids);
  add("an unknown id", CompletionStatus::unknown_id, ids);
  add("half an id", CompletionStatus::invalid_entry, ids).text_bytes = 6;
  add("no id", CompletionStatus::invalid_entry, ids).text_bytes = 0;
  add("ids with a prompt", CompletionStatus::invalid_entry, ids).prompt = 1;
  add("too many ids", CompletionStatus::unknown_id, ids).text_bytes = 4 * 257;
  ids.truncation = static_cast<uint32_t>(Truncation::refuse);
  add("too many ids, not to be cut", CompletionStatus::too_many_tokens, ids).text_bytes = 4 * 257;
  add("a deadline in the past", CompletionStatus::expired, embed).deadline_ns = 1;
  add("a deadline beyond time", CompletionStatus::ok, embed).deadline_ns = UINT64_MAX;
  add("no text", CompletionStatus::ok, embed).text_bytes = 0;
  add("too long", CompletionStatus::text_too_long, embed).text_bytes = text_bytes_max + 1;
  add("half a letter", CompletionStatus::invalid_utf8, embed).text_bytes = 5;
  add("echo", CompletionStatus::ok, text_entry(Opcode::echo, 5));
  add("echo of too much", CompletionStatus::text_too_long,
      text_entry(Opcode::echo, echo_dims * sizeof(float) + 1));
  return table;
}

const EngineOptions with_prompts{
    .threads = 0, .tokens_max = 256, .prompts = {"passage: ", "query: "}};

// Fails if an entry that makes no sense is anything but an error completion, or ends the session.
TEST(EngineStrangers, EntriesThatMakeNoSenseAreAnswered) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend, with_prompts};
  const Stranger stranger = test.connect_stranger();
  std::memcpy(stranger.raw->region.text.data(), "text\xc3", 5);
  uint32_t seen = 0;
  for (const Case& row : cases()) {
    stranger.raw->push(row.entry);
    const Completion completion = wait_for_completion(*stranger.raw, seen++);
    EXPECT_EQ(completion.task, 77U) << row.fault;
    EXPECT_EQ(completion.status, row.answer) << row.fault;
    EXPECT_EQ(completion.slot == no_slot, row.answer != CompletionStatus::ok) << row.fault;
  }
}

// Fails if the prompt is not what stands before the text.
TEST(EngineStrangers, ThePromptIsPutBeforeTheText) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend, with_prompts};
  const Stranger stranger = test.connect_stranger();
  std::memcpy(stranger.raw->region.text.data(), "text", 4);
  Submission entry = text_entry(Opcode::embed, 4);
  entry.prompt = 2;
  stranger.raw->push(entry);
  const Completion completion = wait_for_completion(*stranger.raw, 0);
  ASSERT_EQ(completion.status, CompletionStatus::ok);
  EXPECT_EQ(completion.tokens, 11U);

  std::vector<float> vector(echo_dims);
  const auto* const slots =
      reinterpret_cast<const std::byte*>(&stranger.raw->engine) + sizeof(EngineRegion);
  std::memcpy(vector.data(), slots + completion.slot * slot_stride(echo_dims),
              echo_dims * sizeof(float));
  EXPECT_EQ(vector, echo_of("query: text", echo_dims, 256));
}

// Fails if a broken protocol ends nothing, or more than the session of the client that broke it.
TEST(EngineStrangers, AViolationEndsThatSessionOnly) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend};
  hilo_client* const honest = test.connect();
  const Stranger stranger = test.connect_stranger();
  stranger.raw->push(text_entry(static_cast<Opcode>(99), 0));
  // The session ends when the control thread destroys it, which hangs up.
  char byte = 0;
  EXPECT_EQ(::recv(stranger.socket.get(), &byte, 1, 0), 0);
  EXPECT_EQ(embed(honest, HILO_HIGH, "still here").status, HILO_OK);
  hilo_close(honest);
  EXPECT_TRUE(test.all_retired());
}

// Fails if vectors of tokens get in beside others, or a task beside them, or if that harms anybody
// else; the engine ends the session, which hangs up.
TEST(EngineStrangers, VectorsOfTokensWithoutAllCreditsEndTheSession) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend};
  for (const bool first : {true, false}) {
    const Stranger stranger = test.connect_stranger();
    first ? stranger.raw->push_embed_tokens(1, 9) : stranger.raw->push_embed(1, "a text");
    const Completion lent = wait_for_completion(*stranger.raw, 0);
    EXPECT_EQ(lent.status, CompletionStatus::ok);
    stranger.raw->push_release(lent.slot, lent.generation + 1);  // It is still lent.
    first ? stranger.raw->push_embed(2, "another") : stranger.raw->push_embed_tokens(2, 9);
    char byte = 0;
    EXPECT_EQ(::recv(stranger.socket.get(), &byte, 1, 0), 0);
  }
  EXPECT_TRUE(test.all_retired());
}

TEST(EngineStrangers, VectorsOfTokensAreReleasedOnce) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend};
  const Stranger stranger = test.connect_stranger();
  for (uint32_t seen = 0; seen < 20; ++seen) {
    stranger.raw->push_embed_tokens(seen, 9);
    const Completion all = wait_for_completion(*stranger.raw, seen);
    ASSERT_EQ(all.status, CompletionStatus::ok);
    EXPECT_EQ(all.slot, 0U);
    for (int i = 0; i < 3; ++i) stranger.raw->push_release(all.slot, all.generation);
    stranger.raw->push_release(slots_per_client - 1, 1);
    stranger.raw->consume(seen + 1);
  }
}

// Fails if a client that dies while its tokens are computed leaves anything behind.
TEST(EngineStrangers, ClientsOfVectorsOfTokensMayDieMeanwhile) {
  LatchedBackend backend;
  EngineUnderTest test{backend};
  for (int round = 0; round < 3; ++round) {
    Stranger stranger = test.connect_stranger();
    std::memcpy(stranger.raw->region.text.data(), "H text", 6);
    stranger.raw->push_embed_tokens(1, 6);
    EXPECT_EQ(backend.batches(static_cast<size_t>(round) + 1).size(), round + 1U);
    stranger.socket.reset();
    backend.permit_high(1);
  }
  EXPECT_TRUE(test.all_retired());
}

TEST(EngineStrangers, BackendsWithoutVectorsOfTokensAreNotAskedForThem) {
  const auto backend = std::make_unique<PooledOnly>();
  EngineUnderTest test{*backend};
  const Stranger stranger = test.connect_stranger();
  stranger.raw->push_embed_tokens(1, 9);
  EXPECT_EQ(wait_for_completion(*stranger.raw, 0).status, CompletionStatus::invalid_entry);
}

// False: the engine has stopped reading, so the session has ended.
bool wait_for_room(const RawClient& raw, uint32_t pushed) {
  const Instant until = monotonic_now() + 200 * millisecond_ns;
  while (pushed - raw.engine.submission_head.value.load() > submission_entries / 2) {
    if (monotonic_now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

// Writes random entries, texts and words all over a region while the engine reads them.
void scribble(const Stranger& stranger, std::mt19937& generator) {
  const auto random = [&] { return static_cast<uint32_t>(generator()); };
  RawClient& raw = *stranger.raw;
  for (uint32_t pushed = 0; wait_for_room(raw, pushed); ++pushed) {
    Submission entry = text_entry(static_cast<Opcode>(1 + random() % 4), random() % 1000);
    if (random() % 2000 == 0) entry.opcode = static_cast<Opcode>(random());
    if (random() % 200 == 0) entry.text_bytes = random();
    entry.lane = random() % 4;
    entry.text_offset = random() % (text_arena_bytes - 1000);
    entry.slot = random() % 512;
    entry.generation = random() % 4;
    entry.deadline_ns = random() % 4;
    entry.input = random() % 4;
    entry.truncation = random() % 4;
    entry.raw = random() % 3;
    entry.second_begins = random();
    entry.tokens_from = random() % 3 == 0 ? random() % 400 : 0;
    raw.push(entry);
    raw.write(random(), entry);
    raw.region.text[random() % text_arena_bytes] = static_cast<char>(random());
    raw.region.armed_futex.value.store(random());
    raw.region.armed_socket.value.store(random());
    if (random() % 2 == 0) raw.consume(raw.completion_tail());
    if (random() % 2000 == 0) raw.consume(random());
    if (random() % 2000 == 0) raw.region.submission_tail.value.store(random());
  }
}

// Fails if clients that write random words all over their regions, while the engine reads them,
// harm the engine or another client's answers.
TEST(EngineStrangers, ScribblersHarmNobodyElse) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend};
  std::atomic<bool> stopping{false};
  std::atomic<int> scribblers{0};
  std::thread scribbler{[&] {
    std::mt19937 random{3};
    while (!stopping) {
      scribble(test.connect_stranger(), random);
      ++scribblers;
    }
  }};
  for (uint32_t seed = 0; scribblers < 10; ++seed)
    run_random_client(test, {.seed = seed, .tasks = 1000, .dims = echo_dims, .tokens_max = 256});
  stopping = true;
  scribbler.join();
  EXPECT_TRUE(test.all_retired());
}

}  // namespace
}  // namespace hilo
