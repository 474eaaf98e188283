#include "channel/socket_path.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channel/listener.h"
#include "channel/test_folder.h"

namespace hilo {
namespace {

using testing::HasSubstr;

mode_t mode_of(const std::string& path) {
  struct stat file {};
  return ::lstat(path.c_str(), &file) == 0 ? file.st_mode & ALLPERMS : 0;
}

std::string objection_to(const std::string& path) {
  const Status made = make_private_folder(path);
  return made ? "" : made.error().message;
}

class SocketPathTest : public testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("HILO_SOCKET");
    ::setenv("XDG_RUNTIME_DIR", folder_.path().c_str(), 1);
  }
  TestFolder folder_;
};

TEST_F(SocketPathTest, APrivateFolderIsMadeOnceAndKept) {
  const std::string path = folder_.path() + "/sockets";
  EXPECT_EQ(objection_to(path), "");
  EXPECT_EQ(mode_of(path), mode_t{S_IRWXU});
  std::ofstream{path + "/letter"} << "dear reader";
  EXPECT_EQ(objection_to(path), "");
  EXPECT_TRUE(std::filesystem::exists(path + "/letter"));
}

// Fails if any right of others is let pass, or taken away as if nobody had used it meanwhile.
TEST_F(SocketPathTest, AFolderThatOthersHaveRightsToIsRefused) {
  const std::string path = folder_.path() + "/sockets";
  for (const mode_t mode : {0701U, 0710U, 0702U, 0740U, 01777U}) {
    ASSERT_TRUE(::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST);
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_THAT(objection_to(path), HasSubstr("has mode"));
    EXPECT_EQ(mode_of(path), mode);
  }
}

// Fails if a link is followed, even one to a folder that would do.
TEST_F(SocketPathTest, WhatIsNoFolderIsRefused) {
  const std::string good = folder_.path() + "/good";
  ASSERT_EQ(objection_to(good), "");
  const std::string link = folder_.path() + "/link";
  std::filesystem::create_symlink(good, link);
  EXPECT_THAT(objection_to(link), HasSubstr("is none"));
  const std::string file = folder_.path() + "/file";
  std::ofstream{file} << "dear reader";
  EXPECT_THAT(objection_to(file), HasSubstr("is none"));
}

TEST_F(SocketPathTest, AStrangersFolderIsRefused) {
  std::string path = "/";  // root's
  if (::geteuid() == 0) {
    path = folder_.path() + "/strangers";
    ASSERT_EQ(objection_to(path), "");
    ASSERT_EQ(::chown(path.c_str(), 1, 1), 0);
  }
  EXPECT_THAT(objection_to(path), HasSubstr("belongs to another user"));
}

TEST_F(SocketPathTest, AFolderThatCannotBeMadeIsTold) {
  EXPECT_THAT(objection_to(folder_.path() + "/missing/sockets"), HasSubstr("No such file"));
}

TEST_F(SocketPathTest, TheVariablesAreAskedInOrder) {
  EXPECT_EQ(*default_socket_path(), folder_.path() + "/hilo.sock");
  ::setenv("HILO_SOCKET", "", 1);
  EXPECT_EQ(*default_socket_path(), folder_.path() + "/hilo.sock");
  ::setenv("HILO_SOCKET", "/somewhere/else", 1);
  EXPECT_EQ(*default_socket_path(), "/somewhere/else");
}

// Fails if sockets are put where a stranger could have put theirs.
TEST_F(SocketPathTest, ARuntimeFolderThatIsNotPrivateIsPassedOver) {
  const std::string tmp = "/tmp/hilo-" + std::to_string(::geteuid());
  ASSERT_EQ(objection_to(tmp), "");
  for (const std::string& folder :
       {std::string{}, std::string{"/tmp"}, folder_.path() + "/missing"}) {
    ::setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
    EXPECT_EQ(*socket_folder(), tmp);
  }
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(*socket_folder(), tmp);
}

TEST_F(SocketPathTest, WhoListensIsKnown) {
  const auto listener = Listener::bind(folder_.path() + "/hilo.sock");
  ASSERT_TRUE(listener.ok());
  EXPECT_TRUE(is_ours_or_roots(connect_to(listener->path()).get()));
  EXPECT_FALSE(is_ours_or_roots(-1));
}

// The kernel keeps who made a pair of sockets.
TEST_F(SocketPathTest, AStrangerIsKnown) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as somebody else";
  std::array<int, 2> pair{};
  ASSERT_EQ(::seteuid(1), 0);
  const int made = ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data());
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_EQ(made, 0);
  const UniqueFd ours{pair[0]};
  const UniqueFd theirs{pair[1]};
  EXPECT_FALSE(is_ours_or_roots(ours.get()));
}

}  // namespace
}  // namespace hilo
