#include "channel/session.h"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "channel/raw_client.h"

namespace hilo {
namespace {

using Next = Session::Next;

// One channel, both ends in this process, the client's end without any library.
class SessionTest : public testing::Test {
 protected:
  // Takes the next entry, opens it and completes it.
  Session::Slot serve(CompletionStatus status = CompletionStatus::ok) {
    Submission entry;
    EXPECT_EQ(session_.next(entry), Next::entry);
    const Session::Slot slot = session_.open_task();
    session_.advance();
    session_.complete(slot, {.task = entry.task, .status = status});
    session_.flush();
    return slot;
  }
  Next next() {
    Submission entry;
    return session_.next(entry);
  }

  TestChannel channel_;
  Session& session_ = *channel_.session;
  RawClient client_{session_};
};

// Goal: a text and a vector cross, and the client sees them only after flush().
TEST_F(SessionTest, CarriesATextAndItsVector) {
  EXPECT_EQ(next(), Next::empty);
  client_.push_embed(77, "hello");
  ASSERT_TRUE(session_.has_submissions());

  Submission entry;
  ASSERT_EQ(session_.next(entry), Next::entry);
  EXPECT_EQ(entry.task, 77U);
  std::string text(entry.text_bytes, '\0');
  session_.copy_text(entry, text);
  EXPECT_EQ(text, "hello");
  const Session::Slot slot = session_.open_task();
  session_.advance();
  EXPECT_EQ(session_.tasks_open(), 1U);
  session_.slot_vector(slot.index)[7] = 2.5F;
  session_.complete(slot, {.task = 77, .status = CompletionStatus::ok, .tokens = 3});

  EXPECT_EQ(client_.completion_tail(), 0U);
  session_.flush();
  ASSERT_EQ(client_.completion_tail(), 1U);
  EXPECT_EQ(client_.engine.submission_head.value.load(), 1U);
  const Completion completion = client_.completion(0);
  EXPECT_EQ(completion.task, 77U);
  EXPECT_EQ(completion.tokens, 3U);
  ASSERT_EQ(completion.slot, slot.index);
  const auto* vectors =
      reinterpret_cast<const float*>(reinterpret_cast<const std::byte*>(&client_.engine) +
                                     sizeof(EngineRegion) + completion.slot * slot_stride(8));
  EXPECT_EQ(vectors[7], 2.5F);
  EXPECT_FALSE(session_.has_submissions());
}

// Goal: what the client reads about the engine is what the engine was given.
TEST_F(SessionTest, TellsStateAndInfo) {
  EXPECT_STREQ(client_.engine.info.data(), "{}");
  EXPECT_EQ(client_.engine.state.value.load(), static_cast<uint32_t>(EngineState::ready));
  session_.set_state(EngineState::draining);
  EXPECT_EQ(client_.engine.state.value.load(), static_cast<uint32_t>(EngineState::draining));
  channel_.session.reset();
  EXPECT_EQ(client_.engine.state.value.load(), static_cast<uint32_t>(EngineState::gone));
}

// Goal: an error completion gives its slot back at once, and names none.
TEST_F(SessionTest, ErrorsLendNoSlot) {
  for (uint32_t i = 0; i < 3 * slots_per_client; ++i) {
    client_.push_embed(i);
    serve(CompletionStatus::failed);
    EXPECT_EQ(client_.completion(i).slot, no_slot);
    client_.consume(i + 1);
  }
}

// Goal: exactly slots_per_client tasks fit; one more is a violation, and it stays one.
TEST_F(SessionTest, MoreTasksThanCreditsIsAViolation) {
  for (uint32_t i = 0; i <= tasks_per_client_max; ++i) client_.push_embed(i);
  for (uint32_t i = 0; i < tasks_per_client_max; ++i) {
    ASSERT_EQ(next(), Next::entry) << i;
    session_.open_task();
    session_.advance();
  }
  EXPECT_EQ(next(), Next::violation);
  EXPECT_NE(session_.violation().find("more tasks"), std::string_view::npos);
  EXPECT_EQ(next(), Next::violation);
}

// Goal: vectors that are never released use up the client's slots, not the engine's patience.
TEST_F(SessionTest, HoardedSlotsAreNoCredit) {
  for (uint32_t i = 0; i < slots_per_client; ++i) {
    client_.push_embed(i);
    serve();
    client_.consume(i + 1);
  }
  client_.push_embed(999);
  EXPECT_EQ(next(), Next::violation);
}

// Goal: completions that are never taken hold their places, though their slots are free.
TEST_F(SessionTest, UntakenCompletionsAreNoCredit) {
  for (uint32_t i = 0; i < completion_entries; ++i) {
    client_.push_embed(i);
    serve(CompletionStatus::failed);
  }
  client_.push_embed(999);
  EXPECT_EQ(next(), Next::violation);
}

// Goal: vectors of tokens need all slots, and nothing is let in beside them. Method: each way of
// having one slot that is not free.
TEST_F(SessionTest, VectorsOfTokensNeedAllCredits) {
  const auto after = [](auto prepare) {
    TestChannel channel;
    RawClient client{*channel.session};
    Submission entry;
    client.push_embed(0);
    EXPECT_EQ(channel.session->next(entry), Next::entry);
    prepare(*channel.session, channel.session->open_task());
    channel.session->advance();
    channel.session->flush();
    client.push_embed_tokens(1);
    return channel.session->next(entry);
  };
  EXPECT_EQ(after([](Session&, Session::Slot) {}), Next::violation);
  EXPECT_EQ(after([](Session& session, Session::Slot slot) { session.complete(slot, {}); }),
            Next::violation);
  EXPECT_EQ(after([](Session& session, Session::Slot slot) {
              session.complete(slot, {.status = CompletionStatus::failed});
            }),
            Next::entry);
}

TEST_F(SessionTest, NothingFitsBesideVectorsOfTokens) {
  for (const Opcode opcode : {Opcode::embed, Opcode::echo}) {
    TestChannel channel;
    RawClient client{*channel.session};
    Submission entry;
    client.push_embed_tokens(1);
    ASSERT_EQ(channel.session->next(entry), Next::entry);
    channel.session->open_task_in_all_slots();
    channel.session->advance();
    client.push({.opcode = Opcode::cancel, .task = 1});
    EXPECT_EQ(channel.session->next(entry), Next::entry);
    channel.session->advance();
    client.push({.opcode = opcode});
    EXPECT_EQ(channel.session->next(entry), Next::violation);
  }
}

// Goal: one release, or an error, gives all slots back, once; and each of them is there then.
TEST_F(SessionTest, OneReleaseGivesAllSlotsBack) {
  uint32_t taken = 0;
  for (const bool fails : {false, true}) {
    client_.push_embed_tokens(1);
    Submission entry;
    ASSERT_EQ(session_.next(entry), Next::entry);
    const Session::Slot all = session_.open_task_in_all_slots();
    EXPECT_EQ(all.index, 0U);
    session_.advance();
    session_.complete(all, {.status = fails ? CompletionStatus::failed : CompletionStatus::ok});
    session_.flush();
    client_.consume(++taken);
    for (int i = 0; i < 3; ++i) client_.push_release(0, all.generation);
    client_.push_release(7, 0);
    EXPECT_EQ(next(), Next::empty);
    EXPECT_EQ(session_.releases_ignored(), fails ? 7U : 3U);

    std::vector<Session::Slot> slots;
    for (uint32_t i = 0; i < slots_per_client; ++i) {
      client_.push_embed(i);
      ASSERT_EQ(next(), Next::entry);
      slots.push_back(session_.open_task());
      session_.advance();
    }
    for (const Session::Slot slot : slots) {
      session_.complete(slot, {.status = CompletionStatus::failed});
      session_.flush();
      client_.consume(++taken);
    }
  }
}

// Goal: a release gives the credit back to the very next task, and the generation moves on.
TEST_F(SessionTest, ReleaseReturnsTheSlot) {
  client_.push_embed(0);
  Session::Slot slot = serve();
  for (uint32_t i = 1; i < 10 * slots_per_client; ++i) {
    client_.consume(i);
    client_.push_release(slot.index, slot.generation);
    client_.push_embed(i);
    const Session::Slot again = serve();
    EXPECT_EQ(again.index, slot.index);
    EXPECT_EQ(again.generation, slot.generation + 1);
    slot = again;
  }
  EXPECT_EQ(session_.releases_ignored(), 0U);
}

// Goal: releases of what is not lent change nothing: twice, stale, foreign, still open, no slot at
// all.
TEST_F(SessionTest, WrongReleasesAreCountedAndIgnored) {
  client_.push_embed(0);
  const Session::Slot lent = serve();
  client_.push_embed(1);
  Submission entry;
  ASSERT_EQ(session_.next(entry), Next::entry);
  const Session::Slot open = session_.open_task();
  session_.advance();

  client_.push_release(lent.index, lent.generation + 1);
  client_.push_release(lent.index, lent.generation - 1);
  client_.push_release(open.index, open.generation);
  client_.push_release(lent.index + 100, 0);
  client_.push_release(slots_per_client, 1);
  client_.push_release(no_slot, 1);
  EXPECT_EQ(next(), Next::empty);
  EXPECT_EQ(session_.releases_ignored(), 6U);
  client_.push_release(lent.index, lent.generation);
  client_.push_release(lent.index, lent.generation);
  EXPECT_EQ(next(), Next::empty);
  EXPECT_EQ(session_.releases_ignored(), 7U);
  session_.complete(open, {.task = 1, .status = CompletionStatus::ok});
}

// Goal: all indices survive their wrap-around at 2^32. Method: too many tasks to count there, so
// this relies on unsigned arithmetic only and runs the rings round many times.
TEST_F(SessionTest, RingsGoRoundManyTimes) {
  for (uint32_t i = 0; i < 20 * submission_entries; ++i) {
    client_.push_embed(i, "x", i % text_arena_bytes);
    const Session::Slot slot = serve();
    ASSERT_EQ(client_.completion(i).task, i);
    client_.consume(i + 1);
    client_.push_release(slot.index, slot.generation);
  }
}

// Goal: a tail more than one ring ahead, or behind, ends the session.
TEST_F(SessionTest, ATailOutOfTheRingIsAViolation) {
  for (const uint32_t tail : {submission_entries + 1, 0x80000000U, 0xffffffffU}) {
    TestChannel channel;
    RawClient client{*channel.session};
    client.region.submission_tail.value.store(tail);
    Submission entry;
    EXPECT_EQ(channel.session->next(entry), Next::violation) << tail;
    EXPECT_EQ(channel.session->next(entry), Next::violation);
  }
}

// Goal: a completion head before the last one, or past what was published, ends the session.
TEST_F(SessionTest, ACompletionHeadOutOfTheRingIsAViolation) {
  for (const uint32_t head : {2 * completion_entries, completion_entries + 1, 0xffffffffU}) {
    TestChannel channel;
    RawClient client{*channel.session};
    Session& session = *channel.session;
    Submission entry;
    for (uint32_t i = 0; i < completion_entries; ++i) {
      client.push_embed(i);
      ASSERT_EQ(session.next(entry), Next::entry);
      const Session::Slot slot = session.open_task();
      session.advance();
      session.complete(slot, {.task = i, .status = CompletionStatus::failed});
      session.flush();
    }
    client.consume(head);
    client.push_embed(0);
    EXPECT_EQ(session.next(entry), Next::violation) << head;
  }
}

// Goal: no text outside the arena is ever copied, whatever offset and length say.
TEST_F(SessionTest, ATextOutsideTheArenaIsAViolation) {
  constexpr uint32_t largest = std::numeric_limits<uint32_t>::max();
  struct Case {
    uint32_t offset, bytes;
  };
  for (const Case& bad :
       {Case{text_arena_bytes, 1}, Case{text_arena_bytes - 1, 2}, Case{largest, 1},
        Case{largest - 3, 4}, Case{largest, text_bytes_max}, Case{text_arena_bytes + 1, 0}}) {
    TestChannel channel;
    RawClient client{*channel.session};
    client.push({.opcode = Opcode::embed, .text_offset = bad.offset, .text_bytes = bad.bytes});
    Submission entry;
    EXPECT_EQ(channel.session->next(entry), Next::violation) << bad.offset << ' ' << bad.bytes;
  }
}

// Goal: the last byte of the arena can be used, and an empty text at its very end is fine.
TEST_F(SessionTest, TextsMayTouchTheEndOfTheArena) {
  client_.push_embed(1, "z", text_arena_bytes - 1);
  client_.push_embed(2, "", text_arena_bytes);
  Submission entry;
  ASSERT_EQ(session_.next(entry), Next::entry);
  char text = 0;
  session_.copy_text(entry, {&text, 1});
  EXPECT_EQ(text, 'z');
  session_.advance();
  EXPECT_EQ(session_.next(entry), Next::entry);
}

// Goal: a text over the limit is the engine's to answer with an error, not a reason to hang up.
TEST_F(SessionTest, ATooLongTextIsPassedOn) {
  client_.push({.opcode = Opcode::embed, .text_bytes = std::numeric_limits<uint32_t>::max()});
  Submission entry;
  ASSERT_EQ(session_.next(entry), Next::entry);
  EXPECT_GT(entry.text_bytes, text_bytes_max);
}

TEST_F(SessionTest, AnUnknownOpcodeIsAViolation) {
  for (const uint32_t opcode : {0U, 5U, 0xffffffffU}) {
    TestChannel channel;
    RawClient client{*channel.session};
    client.push({.opcode = static_cast<Opcode>(opcode)});
    Submission entry;
    EXPECT_EQ(channel.session->next(entry), Next::violation) << opcode;
  }
}

// Goal: a cancellation needs no credit, so it gets through when all tasks are open.
TEST_F(SessionTest, CancellationsNeedNoCredit) {
  for (uint32_t i = 0; i < tasks_per_client_max; ++i) {
    client_.push_embed(i);
    ASSERT_EQ(next(), Next::entry);
    session_.open_task();
    session_.advance();
  }
  client_.push({.opcode = Opcode::cancel, .task = 5});
  Submission entry;
  ASSERT_EQ(session_.next(entry), Next::entry);
  EXPECT_EQ(entry.opcode, Opcode::cancel);
  EXPECT_EQ(entry.task, 5U);
}

// Goal: one call of next() handles at most what was there when it began, so that a client that
// keeps publishing releases cannot hold the engine.
TEST_F(SessionTest, ReleasesAreBoundedForEachCall) {
  for (uint32_t i = 0; i < submission_entries; ++i) client_.push_release(0, 0);
  EXPECT_EQ(next(), Next::empty);
  EXPECT_EQ(session_.releases_ignored(), submission_entries);
}

// Goal: one byte for each arming, and none when nothing was completed.
TEST_F(SessionTest, WakesAnEventLoopOncePerArming) {
  const auto bytes_waiting = [&] {
    char bytes[8];
    size_t count = 0;
    while (::recv(channel_.client_socket.get(), bytes, sizeof(bytes), MSG_DONTWAIT) == 1) ++count;
    return count;
  };
  client_.region.armed_socket.value.store(1);
  session_.flush();
  EXPECT_EQ(bytes_waiting(), 0U);
  for (uint32_t i = 0; i < 3; ++i) {
    client_.push_embed(i);
    serve();
  }
  EXPECT_EQ(bytes_waiting(), 1U);
  client_.region.armed_socket.value.store(2);
  client_.push_embed(3);
  serve();
  EXPECT_EQ(bytes_waiting(), 1U);
}

// Goal: a client that never reads its wake-up bytes cannot block the engine or fill its memory.
TEST_F(SessionTest, AFullSocketDoesNotBlock) {
  for (uint32_t i = 0; i < 5000; ++i) {
    client_.region.armed_socket.value.store(i + 1);
    client_.push_embed(i);
    const Session::Slot slot = serve();
    client_.consume(i + 1);
    client_.push_release(slot.index, slot.generation);
  }
}

// Goal: the engine's private rules stop the process rather than go wrong silently.
TEST_F(SessionTest, BrokenRulesOfOurOwnStopTheEngine) {
  EXPECT_DEATH(session_.advance(), "broken rule");
  EXPECT_DEATH(session_.slot_vector(slots_per_client), "broken rule");
  client_.push_embed(1);
  const Session::Slot slot = serve();
  EXPECT_DEATH(session_.complete(slot, {}), "broken rule");
}

}  // namespace
}  // namespace hilo
