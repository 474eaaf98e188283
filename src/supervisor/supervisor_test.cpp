#include "supervisor/supervisor.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/handshake.h"
#include "supervisor/descendants.h"

namespace hilo {
namespace {

using testing::HasSubstr;

// An engine without one: it holds sessions, drains when told to, and remembers what it was asked.
class FakeHost final : public SessionHost {
 public:
  void adopt(std::unique_ptr<Session> session) override {
    sessions_.push_back(std::move(session));
    ++adopted_;
    const uint64_t one = 1;
    EXPECT_EQ(::write(news_.get(), &one, sizeof(one)), ssize_t{sizeof(one)});
  }
  std::vector<std::unique_ptr<Session>> take_retired() override {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t cleared = ::read(news_.get(), &count, sizeof(count));
    if (!retire_at_once_) return {};
    return std::move(sessions_);
  }
  int news() const override { return news_.get(); }
  void drain(Instant deadline) override {
    drain_deadlines_.push_back(deadline);
    if (when_drained_) std::exchange(when_drained_, nullptr)();
  }
  bool drained() const override { return drains_at_once_ && !drain_deadlines_.empty(); }

  void retire_at_once() { retire_at_once_ = true; }
  void never_drain() { drains_at_once_ = false; }
  // Done when the first drain begins.
  void when_drained(std::function<void()> action) { when_drained_ = std::move(action); }
  uint32_t adopted() const { return adopted_; }
  const std::vector<Instant>& drain_deadlines() const { return drain_deadlines_; }

 private:
  UniqueFd news_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<Instant> drain_deadlines_;
  std::function<void()> when_drained_;
  bool retire_at_once_ = false;
  bool drains_at_once_ = true;
  uint32_t adopted_ = 0;
};

class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "hilo_supervisor_XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    options_.channel = {.dims = 8, .tokens_max = 16, .info = "{}"};
    options_.restart.delay_first = millisecond_ns;
    options_.drain_wait_max = 50 * millisecond_ns;
    options_.terminate_wait_max = 50 * millisecond_ns;
  }
  void TearDown() override {
    supervisor_.reset();
    std::filesystem::remove_all(folder_);
    EXPECT_THAT(list_children(), testing::IsEmpty()) << "a process was left behind";
  }

  Supervisor& supervisor() {
    if (supervisor_ == nullptr) {
      auto made = Supervisor::create(options_);
      EXPECT_TRUE(made.ok());
      supervisor_ = std::move(*made);
    }
    return *supervisor_;
  }
  Status launch(const std::string& name, const std::string& command) {
    return supervisor().launch({name, command, LaneRights::high});
  }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string content(const std::string& name) const {
    std::ifstream file{path(name)};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  // Signals come as commands of a program, so that they arrive while run() is under way.
  static std::string signal_us(const std::string& name) {
    return "kill -" + name + " " + std::to_string(::getpid());
  }

  SupervisorOptions options_;
  FakeHost host_;
  std::string folder_;
  std::unique_ptr<Supervisor> supervisor_;
};

TEST_F(SupervisorTest, EndsWellWhenAllProgramsSucceed) {
  ASSERT_TRUE(launch("high", "true"));
  ASSERT_TRUE(launch("low", "sh -c 'exit 0'"));
  EXPECT_TRUE(supervisor().run(host_).ok());
  EXPECT_EQ(host_.drain_deadlines().size(), 1U);  // Others may have been connected.
}

TEST_F(SupervisorTest, NamesEveryProgramThatFailed) {
  ASSERT_TRUE(launch("high", "sh -c 'exit 3'"));
  ASSERT_TRUE(launch("low", "sh -c 'kill -KILL $$'"));
  const Status status = supervisor().run(host_);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "high exited with status 3, low was killed by SIGKILL");
}

TEST_F(SupervisorTest, WaitsForTheLastProgram) {
  ASSERT_TRUE(launch("high", "true"));
  ASSERT_TRUE(launch("low", "sleep 0.2 && echo done > " + path("low")));
  EXPECT_TRUE(supervisor().run(host_).ok());
  EXPECT_EQ(content("low"), "done\n");
}

TEST_F(SupervisorTest, RefusesWhatCannotBeStarted) {
  EXPECT_THAT(launch("high", "no-such-program").error().message,
              HasSubstr("high: cannot start 'no-such-program'"));
  EXPECT_THAT(launch("low", "'").error().message, HasSubstr("low: the command"));
}

TEST_F(SupervisorTest, RestartsAfterFailureUntilItSucceeds) {
  options_.restart.when = RestartWhen::on_failure;
  ASSERT_TRUE(
      launch("low", "echo run >> " + path("runs") + "; test $(wc -l < " + path("runs") + ") = 3"));
  EXPECT_TRUE(supervisor().run(host_).ok());
  EXPECT_EQ(content("runs"), "run\nrun\nrun\n");
}

TEST_F(SupervisorTest, GivesUpAfterTooManyRestarts) {
  options_.restart.when = RestartWhen::on_failure;
  options_.restart.in_a_row_max = 2;
  ASSERT_TRUE(launch("low", "echo run >> " + path("runs") + "; exit 7"));
  EXPECT_EQ(supervisor().run(host_).error().message, "low exited with status 7");
  EXPECT_EQ(content("runs"), "run\nrun\nrun\n");
}

TEST_F(SupervisorTest, StopsProgramsOnSignalAndCallsItASuccess) {
  ASSERT_TRUE(launch("high", "sleep 100"));
  ASSERT_TRUE(launch("low", signal_us("TERM") + "; exit 1"));
  EXPECT_TRUE(supervisor().run(host_).ok());
}

TEST_F(SupervisorTest, InterruptIsASignalToStop) {
  ASSERT_TRUE(launch("high", signal_us("INT") + "; sleep 100"));
  EXPECT_TRUE(supervisor().run(host_).ok());
}

// Goal: a program that ignores SIGTERM is killed after its time.
TEST_F(SupervisorTest, KillsWhatDoesNotEnd) {
  ASSERT_TRUE(launch("high", "trap '' TERM; " + signal_us("TERM") + "; while :; do sleep 1; done"));
  const Instant begin = monotonic_now();
  EXPECT_TRUE(supervisor().run(host_).ok());
  EXPECT_GE(monotonic_now() - begin, options_.terminate_wait_max);
}

// Goal: a second signal ends the wait for admitted work. Method: a host that never drains, and a
// deadline far beyond the test's.
TEST_F(SupervisorTest, SecondSignalSkipsTheDrain) {
  options_.drain_wait_max = 3600 * second_ns;
  host_.never_drain();
  host_.when_drained([] { ::kill(::getpid(), SIGTERM); });
  ASSERT_TRUE(launch("high", signal_us("TERM") + "; sleep 100"));
  EXPECT_TRUE(supervisor().run(host_).ok());
  ASSERT_EQ(host_.drain_deadlines().size(), 2U);
  EXPECT_LT(host_.drain_deadlines()[1], host_.drain_deadlines()[0]);  // It was told to hurry.
}

TEST_F(SupervisorTest, DrainHasADeadline) {
  host_.never_drain();
  ASSERT_TRUE(launch("high", signal_us("TERM") + "; sleep 100"));
  EXPECT_TRUE(supervisor().run(host_).ok());
  EXPECT_EQ(host_.drain_deadlines().size(), 2U);
}

// Goal: no orphan. Method: programs end and leave a child in their group, and one in a session of
// its own; TearDown looks for both.
TEST_F(SupervisorTest, LeavesNoOrphan) {
  ASSERT_TRUE(launch("high", "sleep 100 & setsid sleep 100 & exit 0"));
  EXPECT_TRUE(supervisor().run(host_).ok());
  EXPECT_EQ(list_children().size(), 1U);  // The guard, which leaves with the supervisor.
}

TEST_F(SupervisorTest, KillsProgramsWhenTheRunNeverBegins) {
  ASSERT_TRUE(launch("high", "sleep 100"));
  ASSERT_EQ(list_children().size(), 2U);  // With the guard.
  supervisor_.reset();
  EXPECT_THAT(list_children(), testing::IsEmpty());
}

TEST_F(SupervisorTest, SparesChildrenItFound) {
  const pid_t bystander = ::fork();
  ASSERT_GE(bystander, 0);
  if (bystander == 0) {
    ::sleep(100);
    ::_exit(0);
  }
  ASSERT_TRUE(launch("high", "true"));
  EXPECT_TRUE(supervisor().run(host_).ok());
  supervisor_.reset();
  EXPECT_THAT(list_children(), testing::ElementsAre(bystander));
  ::kill(bystander, SIGKILL);
  ::waitpid(bystander, nullptr, 0);
}

// A client's side of the handshake over a socket pair, as far as Mapped.
class Peer {
 public:
  Peer() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
              0);
    ours_ = UniqueFd{ends[0]};
    theirs_ = UniqueFd{ends[1]};
  }
  UniqueFd take_engine_end() { return std::move(theirs_); }
  void greet() const {
    const Hello hello{.rights = static_cast<uint32_t>(LaneRights::high)};
    EXPECT_EQ(::send(ours_.get(), &hello, sizeof(hello), MSG_NOSIGNAL), ssize_t{sizeof(hello)});
    const Mapped mapped{};
    EXPECT_EQ(::send(ours_.get(), &mapped, sizeof(mapped), MSG_NOSIGNAL), ssize_t{sizeof(mapped)});
  }
  void hang_up() { ours_.reset(); }

 private:
  UniqueFd ours_, theirs_;
};

TEST_F(SupervisorTest, PrivateEngineEndsWithItsConnection) {
  Peer peer;
  ASSERT_TRUE(supervisor().serve_connection(peer.take_engine_end(), LaneRights::any));
  peer.greet();
  host_.retire_at_once();
  EXPECT_TRUE(supervisor().run(host_).ok());
  EXPECT_EQ(host_.adopted(), 1U);
}

TEST_F(SupervisorTest, PrivateEngineEndsWhenNobodyGreets) {
  Peer peer;
  ASSERT_TRUE(supervisor().serve_connection(peer.take_engine_end(), LaneRights::any));
  peer.hang_up();
  EXPECT_TRUE(supervisor().run(host_).ok());
  EXPECT_EQ(host_.adopted(), 0U);
}

TEST_F(SupervisorTest, RemovesItsSocket) {
  ASSERT_TRUE(supervisor().listen(path("hilo.sock"), LaneRights::any));
  EXPECT_TRUE(std::filesystem::is_socket(path("hilo.sock")));
  ASSERT_TRUE(launch("high", "true"));
  EXPECT_TRUE(supervisor().run(host_).ok());
  EXPECT_FALSE(std::filesystem::exists(path("hilo.sock")));
}

}  // namespace
}  // namespace hilo
