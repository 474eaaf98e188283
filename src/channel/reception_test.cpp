#include "channel/reception.h"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "channel/message.h"
#include "channel/raw_client.h"
#include "channel/test_folder.h"

namespace hilo {
namespace {

using Outcome = Received::Outcome;

const ChannelSpec spec{.dims = 8, .tokens_max = 16, .info = "{}"};

template <class Message>
bool send_plain(const UniqueFd& socket, const Message& message) {
  return send_message(socket.get(), std::as_bytes(std::span{&message, 1}));
}

struct Answer {
  Outcome outcome;
  Welcome welcome;
  std::array<UniqueFd, message_descriptors_max> descriptors;
};
Answer read_answer(const UniqueFd& socket) {
  Answer answer{};
  Received received =
      receive_message(socket.get(), std::as_writable_bytes(std::span{&answer.welcome, 1}));
  answer.outcome = received.outcome;
  answer.descriptors = std::move(received.descriptors);
  return answer;
}

// A reception at a path, driven by hand.
class ReceptionTest : public testing::Test {
 protected:
  void SetUp() override {
    reception_ = std::move(*Reception::create(spec));
    ASSERT_TRUE(reception_->listen(std::move(*Listener::bind(path_)), LaneRights::any).ok());
  }
  bool is_readable() const {
    pollfd readable{.fd = reception_->descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&readable, 1, 0) == 1;
  }
  std::vector<std::unique_ptr<Session>> advance(const Admission& admission = {}) {
    return reception_->advance(monotonic_now(), admission);
  }
  // Advances while there is something to do.
  std::vector<std::unique_ptr<Session>> settle() {
    std::vector<std::unique_ptr<Session>> all;
    for (int turn = 0; turn < 10 && is_readable(); ++turn)
      for (auto& session : advance()) all.push_back(std::move(session));
    return all;
  }
  // The status that a Hello is answered with; the connection must then be over.
  WelcomeStatus refusal(const Hello& hello, const Admission& admission = {}) {
    const UniqueFd client = connect_to(path_);
    send_plain(client, hello);
    EXPECT_TRUE(advance(admission).empty());
    const Answer answer = read_answer(client);
    EXPECT_EQ(answer.outcome, Outcome::message);
    EXPECT_FALSE(answer.descriptors[0].valid());
    EXPECT_EQ(read_answer(client).outcome, Outcome::hung_up);
    return answer.welcome.status;
  }

  TestFolder folder_;
  const std::string path_ = folder_.path() + "/hilo.sock";
  std::unique_ptr<Reception> reception_;
};

TEST_F(ReceptionTest, TurnsAConnectionIntoASealedSession) {
  const UniqueFd client = connect_to(path_);
  EXPECT_TRUE(is_readable());
  send_plain(client, Hello{.rights = static_cast<uint32_t>(LaneRights::low)});
  EXPECT_TRUE(settle().empty());
  EXPECT_EQ(reception_->sessions(), 1U);

  const Answer answer = read_answer(client);
  ASSERT_EQ(answer.outcome, Outcome::message);
  EXPECT_EQ(answer.welcome.status, WelcomeStatus::ok);
  EXPECT_EQ(answer.welcome.rights, static_cast<uint32_t>(LaneRights::low));
  EXPECT_EQ(answer.welcome.dims, 8U);
  EXPECT_EQ(answer.welcome.tokens_max, 16U);
  ASSERT_EQ(answer.welcome.descriptors, 3U);
  const int client_region = answer.descriptors[0].get();
  const int engine_region = answer.descriptors[1].get();
  // The engine's own region was sealed before it left the engine.
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, engine_region, 0), MAP_FAILED);
  Result<Mapping> mapping = map_region(client_region, client_region_bytes(), Access::read_write);
  ASSERT_TRUE(mapping.ok());

  send_plain(client, Mapped{});
  std::vector<std::unique_ptr<Session>> sessions = settle();
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(reception_->sessions(), 0U);
  EXPECT_EQ(sessions[0]->rights(), LaneRights::low);
  EXPECT_GE(sessions[0]->pidfd(), 0);
  EXPECT_EQ(sessions[0]->inheritable()[0], -1);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, client_region, 0), MAP_FAILED);
  EXPECT_NE(::fallocate(client_region, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
  EXPECT_FALSE(is_readable());
}

TEST_F(ReceptionTest, RefusesWithAReason) {
  EXPECT_EQ(refusal({.version = protocol_version + 1}), WelcomeStatus::wrong_version);
  EXPECT_EQ(refusal({.rights = 3}), WelcomeStatus::lane_denied);
  EXPECT_EQ(refusal({}, {.shutting_down = true}), WelcomeStatus::shutting_down);
  EXPECT_EQ(refusal({}, {.sessions = clients_max}), WelcomeStatus::too_many_clients);
}

// Goal: a socket that offers one lane gives that lane, and no other.
TEST_F(ReceptionTest, KeepsToTheLaneThatTheSocketGives) {
  reception_->stop_listening();
  ASSERT_TRUE(reception_->listen(std::move(*Listener::bind(path_)), LaneRights::low).ok());
  EXPECT_EQ(refusal({.rights = static_cast<uint32_t>(LaneRights::high)}),
            WelcomeStatus::lane_denied);
  EXPECT_EQ(refusal({.rights = static_cast<uint32_t>(LaneRights::any)}),
            WelcomeStatus::lane_denied);
  const UniqueFd client = connect_to(path_);
  send_plain(client, Hello{.rights = static_cast<uint32_t>(LaneRights::low)});
  settle();
  EXPECT_EQ(read_answer(client).welcome.status, WelcomeStatus::ok);
}

// Goal: programs that arrive at once, and get different answers in one turn, do not disturb each
// other.
TEST_F(ReceptionTest, ManyProgramsInOneTurn) {
  std::vector<UniqueFd> clients;
  for (uint32_t i = 0; i < handshakes_max; ++i) {
    clients.push_back(connect_to(path_));
    send_plain(clients.back(), Hello{.version = protocol_version + i % 2});
  }
  EXPECT_TRUE(settle().empty());
  for (uint32_t i = 0; i < handshakes_max; ++i) {
    EXPECT_EQ(read_answer(clients[i]).welcome.status,
              i % 2 == 0 ? WelcomeStatus::ok : WelcomeStatus::wrong_version);
    if (i % 2 == 0) send_plain(clients[i], Mapped{});
  }
  EXPECT_EQ(settle().size(), handshakes_max / 2);
  EXPECT_TRUE(reception_->idle());
}

// Goal: in the turn in which one program becomes the last client that fits, another is refused.
TEST_F(ReceptionTest, CountsWhoLeavesInTheSameTurn) {
  const UniqueFd last = connect_to(path_);
  send_plain(last, Hello{});
  EXPECT_TRUE(advance().empty());
  send_plain(last, Mapped{});
  const UniqueFd late = connect_to(path_);
  send_plain(late, Hello{});
  EXPECT_EQ(advance({.sessions = clients_max - 1}).size(), 1U);
  EXPECT_EQ(read_answer(late).welcome.status, WelcomeStatus::too_many_clients);
}

// Goal: what is not a Hello, or not the right Mapped, ends the connection and nothing else.
TEST_F(ReceptionTest, HangsUpOnNonsense) {
  const UniqueFd stranger = connect_to(path_);
  send_plain(stranger, Hello{.magic = 1});
  const UniqueFd talker = connect_to(path_);
  send_plain(talker, std::array<char, 1000>{});
  const UniqueFd early = connect_to(path_);
  send_plain(early, Hello{});
  send_plain(early, Hello{});
  EXPECT_TRUE(settle().empty());
  EXPECT_EQ(read_answer(stranger).outcome, Outcome::hung_up);
  EXPECT_EQ(read_answer(talker).outcome, Outcome::hung_up);
  EXPECT_EQ(read_answer(early).outcome, Outcome::message);
  EXPECT_EQ(read_answer(early).outcome, Outcome::hung_up);
  EXPECT_EQ(reception_->sessions(), 0U);
}

// Goal: descriptors that a client sends along are closed, on every message of the handshake.
TEST_F(ReceptionTest, ClosesDescriptorsThatItDidNotAskFor) {
  const UniqueFd client = connect_to(path_);
  settle();
  const size_t before = open_descriptors();
  const Hello hello{.magic = 1};
  const std::array<int, 3> gifts{client.get(), client.get(), client.get()};
  ASSERT_TRUE(send_message(client.get(), std::as_bytes(std::span{&hello, 1}), gifts));
  settle();
  // The connection and its pidfd went as well.
  EXPECT_EQ(open_descriptors(), before - 2);
}

// Goal: programs that connect and stall hold a bounded number of places for a bounded time, and the
// reception sleeps meanwhile.
TEST_F(ReceptionTest, BoundsHalfOpenHandshakes) {
  std::vector<UniqueFd> stalled;
  for (uint32_t i = 0; i < handshakes_max; ++i) stalled.push_back(connect_to(path_));
  const size_t before = open_descriptors();
  settle();
  EXPECT_EQ(open_descriptors(), before + 2 * handshakes_max);  // a connection and a pidfd each
  const UniqueFd late = connect_to(path_);
  send_plain(late, Hello{});
  EXPECT_TRUE(settle().empty());
  EXPECT_FALSE(is_readable());
  EXPECT_EQ(read_answer(late).outcome, Outcome::nothing_yet);

  // The stalled ones are out of time; the late one gets its turn.
  reception_->advance(monotonic_now() + handshake_wait_max, {});
  EXPECT_EQ(read_answer(stalled[0]).outcome, Outcome::hung_up);
  settle();
  EXPECT_EQ(read_answer(late).welcome.status, WelcomeStatus::ok);
}

// Goal: the descriptor becomes readable by itself when a handshake is out of time.
TEST_F(ReceptionTest, WakesTheLoopWhenAHandshakeIsOutOfTime) {
  reception_->stop_listening();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd stalled{ends[1]};
  // It began so long ago that 20 ms are left.
  const Instant began = monotonic_now() + 20 * millisecond_ns + -handshake_wait_max;
  ASSERT_TRUE(reception_->receive(UniqueFd{ends[0]}, LaneRights::any, began).ok());
  EXPECT_FALSE(is_readable());
  pollfd readable{.fd = reception_->descriptor(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&readable, 1, 5000), 1);
  advance();
  EXPECT_EQ(read_answer(stalled).outcome, Outcome::hung_up);
  EXPECT_FALSE(is_readable());
}

// Goal: a client that seals its region, so that the engine cannot, gets no session.
TEST_F(ReceptionTest, ASealedRegionIsRefused) {
  const UniqueFd client = connect_to(path_);
  send_plain(client, Hello{});
  settle();
  const Answer answer = read_answer(client);
  ASSERT_EQ(::fcntl(answer.descriptors[0].get(), F_ADD_SEALS, F_SEAL_SEAL), 0);
  send_plain(client, Mapped{});
  EXPECT_TRUE(settle().empty());
  EXPECT_EQ(read_answer(client).outcome, Outcome::hung_up);
}

TEST_F(ReceptionTest, ForgetsALaunchedProgram) {
  TestChannel channel{spec};
  const uint64_t id = channel.session->id();
  ASSERT_TRUE(reception_->expect(std::move(channel.session)).ok());
  EXPECT_EQ(reception_->sessions(), 1U);
  reception_->forget(id + 1);
  EXPECT_EQ(reception_->sessions(), 1U);
  reception_->forget(id);
  EXPECT_EQ(reception_->sessions(), 0U);
  EXPECT_EQ(read_answer(channel.client_socket).outcome, Outcome::hung_up);
}

// What a child process does before it is killed: 0 nothing, 1 Hello, 2 Hello and Mapped.
pid_t start_client(const std::string& path, int stage) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const UniqueFd client = connect_to(path);
  if (stage > 0) send_plain(client, Hello{});
  if (stage > 1) send_plain(client, Mapped{});
  for (;;) ::pause();
}

// Goal: whatever a client had reached when it was killed, nothing of it stays.
// Method: 1,000 rounds of connect, handshake up to a stage, SIGKILL; then count.
TEST_F(ReceptionTest, NothingStaysOfKilledClients) {
  const size_t descriptors_before = open_descriptors();
  const size_t mappings_before = region_mappings();
  for (int round = 0; round < 1000; ++round) {
    const int stage = round % 3;
    const pid_t child = start_client(path_, stage);
    std::vector<std::unique_ptr<Session>> sessions;
    const auto reached = [&] {
      return stage == 0 || (stage == 1 && reception_->sessions() == 1) || sessions.size() == 1;
    };
    const Instant give_up = monotonic_now() + 10 * second_ns;
    do {
      pollfd readable{.fd = reception_->descriptor(), .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, 100);
      for (auto& session : advance()) sessions.push_back(std::move(session));
      ASSERT_LT(monotonic_now(), give_up) << "stage " << stage;
    } while (!reached());
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    settle();
    EXPECT_EQ(reception_->sessions(), 0U);
    if (stage == 2) {
      pollfd exited{.fd = sessions[0]->pidfd(), .events = POLLIN, .revents = 0};
      EXPECT_EQ(::poll(&exited, 1, 0), 1);
    }
  }
  EXPECT_EQ(open_descriptors(), descriptors_before);
  EXPECT_EQ(region_mappings(), mappings_before);
}

}  // namespace
}  // namespace hilo
