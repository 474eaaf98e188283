#include "channel/listener.h"

#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "channel/test_folder.h"

namespace hilo {
namespace {

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

class ListenerTest : public testing::Test {
 protected:
  TestFolder folder_;
  const std::string path_ = folder_.path() + "/hilo.sock";
};

TEST_F(ListenerTest, IsForItsOwnerOnlyWhateverTheUmask) {
  const mode_t before = ::umask(0);
  const Result<Listener> listener = Listener::bind(path_);
  ::umask(before);
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  struct stat file {};
  ASSERT_EQ(::stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777U, 0600U);
  EXPECT_TRUE(S_ISSOCK(file.st_mode));
}

TEST_F(ListenerTest, AcceptsWithoutWaiting) {
  Result<Listener> listener = Listener::bind(path_);
  ASSERT_TRUE(listener.ok());
  EXPECT_EQ(listener->accept().error(), Listener::Refusal::none_waiting);
  const UniqueFd client = connect_to(path_);
  ASSERT_TRUE(client.valid());
  const Result<UniqueFd, Listener::Refusal> connection = listener->accept();
  ASSERT_TRUE(connection.ok());
  EXPECT_NE(::fcntl(connection->get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(listener->accept().error(), Listener::Refusal::none_waiting);
}

// Goal: nothing is left behind: neither the socket, nor the temporary name that it had at first.
TEST_F(ListenerTest, RemovesItsPath) {
  {
    const Result<Listener> listener = Listener::bind(path_);
    ASSERT_TRUE(listener.ok());
    EXPECT_TRUE(exists(path_));
    EXPECT_EQ(folder_.entries(), 1U);
  }
  EXPECT_EQ(folder_.entries(), 0U);
}

TEST_F(ListenerTest, LeavesALiveEngineAlone) {
  const Result<Listener> first = Listener::bind(path_);
  ASSERT_TRUE(first.ok());
  const Result<Listener> second = Listener::bind(path_);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("already running at " + path_), std::string::npos);
  EXPECT_TRUE(connect_to(path_).valid());
  EXPECT_EQ(folder_.entries(), 1U);
}

// Goal: an engine with a full queue of connections is alive, too.
TEST_F(ListenerTest, LeavesABusyEngineAlone) {
  const Result<Listener> first = Listener::bind(path_);
  ASSERT_TRUE(first.ok());
  std::vector<UniqueFd> waiting;
  for (UniqueFd client = connect_to(path_); client.valid(); client = connect_to(path_))
    waiting.push_back(std::move(client));
  EXPECT_GT(waiting.size(), 1U);
  EXPECT_FALSE(Listener::bind(path_).ok());
}

TEST_F(ListenerTest, TakesOverFromADeadEngine) {
  {
    const UniqueFd dead{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    const sockaddr_un address = address_of(path_);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(::listen(dead.get(), 1), 0);
  }
  ASSERT_TRUE(exists(path_));
  const Result<Listener> listener = Listener::bind(path_);
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  EXPECT_TRUE(connect_to(path_).valid());
  EXPECT_EQ(folder_.entries(), 1U);
}

// Goal: the socket of a successor survives the end of its predecessor.
TEST_F(ListenerTest, RemovesOnlyItsOwnSocket) {
  std::optional<Listener> first{std::move(*Listener::bind(path_))};
  ::unlink(path_.c_str());
  const Result<Listener> second = Listener::bind(path_);
  ASSERT_TRUE(second.ok());
  first.reset();
  EXPECT_TRUE(connect_to(path_).valid());
}

TEST_F(ListenerTest, SaysWhyAPathCannotBeHad) {
  const auto message = [](const std::string& path) {
    const Result<Listener> listener = Listener::bind(path);
    return listener.ok() ? std::string{} : listener.error().message;
  };
  EXPECT_NE(message(folder_.path() + "/no/hilo.sock").find("does not exist"), std::string::npos);
  EXPECT_NE(message("/sys/hilo.sock").find("cannot be written to"), std::string::npos);
  EXPECT_NE(message(std::string(200, 'a')).find("bytes"), std::string::npos);
  EXPECT_NE(message("").find("bytes"), std::string::npos);

  const UniqueFd file{::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)};
  EXPECT_NE(message(path_).find("is not a socket"), std::string::npos);
  EXPECT_TRUE(exists(path_));
}

// Goal: a live stream socket of another program is not mistaken for a dead one of ours.
TEST_F(ListenerTest, LeavesOtherProgramsAlone) {
  const UniqueFd other{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const sockaddr_un address = address_of(path_);
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  const Result<Listener> listener = Listener::bind(path_);
  ASSERT_FALSE(listener.ok());
  EXPECT_NE(listener.error().message.find("another program"), std::string::npos);
  EXPECT_TRUE(exists(path_));
}

}  // namespace
}  // namespace hilo
