// Many clients, and clients that leave.
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "backend/echo.h"
#include "engine_under_test.h"
#include "latched_backend.h"
#include "random_client.h"

namespace hilo {
namespace {

size_t open_descriptors() {
  const std::filesystem::directory_iterator folder{"/proc/self/fd"};
  return static_cast<size_t>(std::distance(begin(folder), end(folder)));
}

// Mappings of shared regions, of either side.
size_t open_regions() {
  std::ifstream maps{"/proc/self/maps"};
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("memfd:hilo") != line.npos;
  return count;
}

void run_eight_clients(const Backend& backend, uint32_t tokens_max) {
  EngineUnderTest test{backend, {.threads = 0, .tokens_max = tokens_max, .prompts = {}}};
  std::vector<std::thread> programs;
  for (uint32_t seed = 0; seed < 8; ++seed)
    programs.emplace_back([&, seed] {
      run_random_client(
          test, {.seed = seed, .tasks = 1250, .dims = backend.dims(), .tokens_max = tokens_max});
    });
  for (std::thread& program : programs) program.join();
  EXPECT_TRUE(test.all_retired());
}

// Fails if any of ten thousand answers is lost, doubled, or goes to the wrong text or client.
TEST(EngineClients, TenThousandTasksInTheTick) {
  run_eight_clients(*make_echo_backend(), echo_tokens_max);
}
TEST(EngineClients, TenThousandTasksOnWorkers) {
  LatchedBackend backend;
  backend.permit_high(LatchedBackend::unlimited);
  backend.permit_low(LatchedBackend::unlimited);
  run_eight_clients(backend, 256);
}

// Fails if ended sessions leave a descriptor, a mapping, a task, a place for a client or text
// memory behind.
TEST(EngineClients, NothingIsLeftOfManySessions) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend};
  const auto visit = [&] {
    hilo_client* const client = test.connect();
    EXPECT_EQ(embed(client, HILO_HIGH, "kept").status, HILO_OK);
    for (int i = 0; i < 10; ++i) submit(client, HILO_LOW, std::string(10'000, 'x'));
    hilo_close(client);
    ASSERT_TRUE(test.all_retired());
  };
  visit();
  const size_t before = open_descriptors();
  for (int i = 0; i < 300; ++i) visit();
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(open_regions(), 0U);
}

// Fails if a client that leaves keeps its session, or takes another client's work with it. It has
// tasks being computed, in a mailbox, in the queue, and lent.
TEST(EngineClients, AClientMayLeaveInEveryState) {
  LatchedBackend backend;
  EngineUnderTest test{backend, {.threads = 1, .tokens_max = 256, .prompts = {}}};
  hilo_client* const stays = test.connect();
  hilo_client* const leaves = test.connect();
  backend.permit_high(1);
  const hilo_task lent = submit(leaves, HILO_HIGH, "Hlent");
  EXPECT_EQ(take_one(leaves).task, lent);
  for (int i = 0; i < 20; ++i) submit(leaves, HILO_LOW, "L" + std::string(127, 'x'));
  ASSERT_EQ(backend.batches(2).size(), 2U);
  const hilo_task waiting = submit(stays, HILO_LOW, "Lstays");
  hilo_close(leaves);
  // An answer to a later submission says that the engine has seen the hang-up.
  backend.permit_high(1);
  EXPECT_EQ(embed(stays, HILO_HIGH, "H").status, HILO_OK);

  backend.permit_low(LatchedBackend::unlimited);
  EXPECT_EQ(take_answer(stays, waiting).vector, echo_of("Lstays", backend.dims(), 256));
  // Hlent, two of the batches of the client that left, H and Lstays.
  EXPECT_LE(backend.batches(1).size(), 5U) << "work of a client that had left was computed";
  hilo_close(stays);
  EXPECT_TRUE(test.all_retired());
}

// Fails if clients wait for an engine that is gone.
TEST(EngineClients, TheEndOfTheEngineIsNoticed) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend};
  hilo_client* const client = test.connect();
  std::thread ender{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    test.destroy_engine();
  }};
  EXPECT_EQ(hilo_wait(client, 5'000), HILO_ENGINE_GONE);
  ender.join();
  hilo_close(client);
}

// Fails if echoed bytes are not the bytes that were sent.
TEST(EngineClients, BytesComeBackFromTheEngine) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend};
  hilo_client* const client = test.connect();
  const std::string sent{"\xff\x00\xfe whatever", 12};
  std::string back(sent.size(), ' ');
  EXPECT_EQ(hilo_echo(client, sent.data(), sent.size(), back.data()), HILO_OK);
  EXPECT_EQ(back, sent);
  hilo_close(client);
}

// Fails if the budget leaves an owner out, or sizes anything by what a client does.
TEST(EngineClients, TheMemoryBudgetNamesEveryOwner) {
  const auto backend = make_echo_backend();
  EngineUnderTest test{*backend};
  const std::vector<BudgetLine> budget = test.engine().memory_budget();
  EXPECT_EQ(budget.size(), 6U);
  for (const BudgetLine& line : budget) EXPECT_GT(line.bytes, 0U) << line.owner;
}

}  // namespace
}  // namespace hilo
