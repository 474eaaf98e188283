// A hostile client process rewrites its whole region at full speed while the engine's end reads it.
// What counts: no crash, no sanitizer report, and other clients' answers stay exact.
#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <hilo/hilo.h>

#include "channel/raw_client.h"
#include "client/test_engine.h"

namespace hilo {
namespace {

constexpr uint32_t victims = 48;
constexpr Nanoseconds scribbling_time = 2 * second_ns;
// What must have been done by then, on a busy machine by scribbling_time_max.
constexpr Nanoseconds scribbling_time_max = 60 * second_ns;
constexpr uint32_t answers_min = 100;

// Quick rather than good: the scribbler should spend its time writing.
struct Random {
  uint32_t state;
  uint32_t operator()() {
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
  }
};

// Values that come close to being right reach further than random ones.
uint32_t nasty(Random& random) {
  switch (random() % 8) {
    case 0:
      return random();
    case 1:
      return random() % 6;
    case 2:
      return text_arena_bytes - random() % 4;
    case 3:
      return text_bytes_max + random() % 4;
    case 4:
      return ~(random() % 4);
    default:
      return random() % 512;
  }
}

// Scribbles over the entries and the text of every region for ever. Half of the regions keep their
// indices nearly right, so that the engine keeps reading them; in the others everything changes.
[[noreturn]] void scribble(std::vector<RawClient>& clients) {
  Random random{static_cast<uint32_t>(::getpid())};
  std::vector<uint32_t> tails(clients.size());
  // The nearly right ones begin with entries that pass, so that the engine has something to read
  // on.
  for (size_t i = 0; i < clients.size(); i += 2)
    for (uint32_t index = 0; index < submission_entries; ++index)
      clients[i].write(index, {.opcode = Opcode::embed, .text_bytes = 64});
  for (;;) {
    for (size_t i = 0; i < clients.size(); ++i) {
      ClientRegion& region = clients[i].region;
      const uint32_t head = clients[i].engine.submission_head.value.load();
      for (int turn = 0; turn < 16; ++turn) {
        SharedEntry& entry = region.submissions[(head + random() % 64) % submission_entries];
        const uint64_t value =
            uint64_t{nasty(random)} << 32 | (i % 2 == 0 ? 1 + random() % 4 : nasty(random));
        entry.words[i % 2 == 0 ? (turn % 4 == 0 ? 2 : 0) : random() % 8].store(value);
        std::memset(region.text.data() + random() % (text_arena_bytes - 64),
                    static_cast<int>(random()), 64);
      }
      region.completion_head.value.store(clients[i].completion_tail());
      region.armed_futex.value.fetch_add(1);
      region.armed_socket.value.fetch_add(1);
      // Ahead by no more than a client may have open, or the session would end at once.
      if (tails[i] - head < tasks_per_client_max / 2) tails[i] += random() % 8;
      region.submission_tail.value.store(tails[i]);
      if (i % 2 == 0 || random() % 4096 != 0) continue;
      auto* const words = reinterpret_cast<std::atomic<uint32_t>*>(&region);
      for (size_t word = 0; word < 512; ++word) words[word].store(nasty(random));
    }
  }
}

// The engine's part for one session: as many entries as there are, each completed at once.
struct Reader {
  std::unique_ptr<Session> session;
  uint64_t entries = 0;

  // False: the session violated the protocol.
  bool read_some(std::vector<char>& text) {
    Submission entry;
    for (int turn = 0; turn < 32; ++turn) {
      const Session::Next next = session->next(entry);
      if (next == Session::Next::violation) return false;
      if (next == Session::Next::empty) break;
      ++entries;
      if (entry.opcode != Opcode::cancel) {
        const Session::Slot slot = session->open_task();
        const bool fits = entry.text_bytes <= text_bytes_max;
        if (fits) session->copy_text(entry, text);
        session->slot_vector(slot.index)[0] = 1;
        session->complete(slot, {.task = entry.task,
                                 .status = fits && entries % 1024 == 0 ? CompletionStatus::ok
                                                                       : CompletionStatus::failed});
      }
      session->advance();
    }
    session->flush();
    return true;
  }
};

TEST(Scribbler, CanOnlyEndItsOwnSession) {
  SocketPair pair;
  const TestEngineThread other_engine{std::move(pair.engine)};
  hilo_client* other = nullptr;
  ASSERT_EQ(hilo_connect_fd(pair.client.release(), HILO_ANY, &other), HILO_OK);

  std::vector<TestChannel> channels(victims);
  std::vector<RawClient> clients;
  clients.reserve(victims);
  for (TestChannel& channel : channels) clients.emplace_back(*channel.session);
  // The child needs the regions that MADV_DONTFORK keeps from it, so it maps them again.
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<RawClient> own;
    own.reserve(victims);
    for (TestChannel& channel : channels) own.emplace_back(*channel.session);
    scribble(own);
  }
  std::vector<Reader> readers;
  for (TestChannel& channel : channels) readers.push_back({.session = std::move(channel.session)});

  std::vector<char> text(text_bytes_max);
  const Instant begin = monotonic_now();
  uint64_t entries = 0;
  uint32_t violations = 0;
  uint32_t answers = 0;
  uint32_t rounds = 0;
  const auto is_over = [&] {
    const Nanoseconds elapsed = monotonic_now() - begin;
    return elapsed > scribbling_time_max || (elapsed > scribbling_time && answers > answers_min);
  };
  while (!is_over()) {
    for (Reader& reader : readers) {
      if (!reader.session || reader.read_some(text)) continue;
      ++violations;
      entries += reader.entries;
      reader.entries = 0;
      reader.session.reset();
    }
    if (++rounds % 64 != 0) continue;
    const std::string question = std::to_string(answers++);
    float vector[8];
    ASSERT_EQ(hilo_embed(other, HILO_HIGH, question.data(), question.size(), vector, 8), HILO_OK);
    for (uint32_t i = 0; i < 8; ++i) ASSERT_EQ(vector[i], test_value(question, i));
  }
  for (const Reader& reader : readers) entries += reader.entries;
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  hilo_close(other);
  // Both kinds of work were done: entries that passed the checks, and sessions that did not.
  EXPECT_GT(entries, 1000U);
  EXPECT_GT(violations, 0U);
  EXPECT_GT(answers, answers_min);
  RecordProperty("entries", static_cast<int>(entries));
  RecordProperty("violations", static_cast<int>(violations));
  std::printf("%lu entries read, %u sessions ended, %u answers exact\n",
              static_cast<unsigned long>(entries), violations, answers);
}

}  // namespace
}  // namespace hilo
