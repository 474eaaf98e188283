#include "supervisor/control_socket.h"

#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "channel/message.h"
#include "channel/test_folder.h"
#include "supervisor/control_client.h"

namespace hilo {
namespace {

bool ask(const UniqueFd& connection, std::string_view question) {
  return send_message(connection.get(), std::as_bytes(std::span{question}));
}

// What lies ready to be read; "gone" if the connection is over.
std::string answer_to(const UniqueFd& connection) {
  std::string answer(control_answer_bytes_max, '\0');
  const ssize_t bytes = ::recv(connection.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  if (bytes < 0 && errno == EAGAIN) return "nothing yet";
  if (bytes <= 0) return "gone";
  answer.resize(static_cast<size_t>(bytes));
  return answer;
}

class ControlSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::setenv("XDG_RUNTIME_DIR", folder_.path().c_str(), 1), 0);
    auto opened = ControlSocket::open(*make_way_for_control(),
                                      [this](std::string_view question, Instant now) {
                                        EXPECT_EQ(now, now_);
                                        return answer(question);
                                      });
    ASSERT_TRUE(opened.ok());
    control_ = std::move(*opened);
  }
  std::string answer(std::string_view question) const {
    return question == "much" ? std::string(control_answer_bytes_max / 2, 'm')
                              : "answer to " + std::string{question};
  }
  UniqueFd connect() {
    UniqueFd connection = connect_to(control_->path());
    EXPECT_TRUE(connection.valid());
    advance();
    return connection;
  }
  // When it has rested.
  void advance() {
    now_ = now_ + control_rest;
    control_->advance(now_);
  }

  TestFolder folder_;
  Instant now_;
  std::unique_ptr<ControlSocket> control_;
};

TEST_F(ControlSocketTest, AnswersAsOftenAsItIsAsked) {
  const UniqueFd connection = connect();
  for (const std::string question : {"one", "two"}) {
    ASSERT_TRUE(ask(connection, question));
    advance();
    EXPECT_EQ(answer_to(connection), "answer to " + question);
  }
  EXPECT_EQ(answer_to(connection), "nothing yet");
}

// Fails if an answer that is not read is waited for, kept, or sent in part.
TEST_F(ControlSocketTest, WhoeverDoesNotReadIsDroppedAndHindersNobody) {
  const UniqueFd stuck = connect();
  const UniqueFd other = connect();
  int questions = 0;
  while (questions < 100 && ask(stuck, "much")) {
    advance();
    ++questions;
  }
  EXPECT_LT(questions, 100) << "nobody dropped the one that does not read";
  ASSERT_TRUE(ask(other, "me"));
  advance();
  EXPECT_EQ(answer_to(other), "answer to me");
}

// Fails if one that asks without end is answered without end, or the one beside it less often.
TEST_F(ControlSocketTest, ARoundIsOneAnswerForEachAndThenARest) {
  const UniqueFd greedy = connect();
  const UniqueFd other = connect();
  for (const std::string question : {"one", "two", "three"}) ASSERT_TRUE(ask(greedy, question));
  ASSERT_TRUE(ask(other, "me"));
  advance();
  EXPECT_EQ(answer_to(greedy), "answer to one");
  EXPECT_EQ(answer_to(other), "answer to me");
  EXPECT_EQ(control_->rests_until(), now_ + control_rest);
  control_->advance(now_ + (control_rest - 1));
  EXPECT_EQ(answer_to(greedy), "nothing yet");
  advance();
  EXPECT_EQ(answer_to(greedy), "answer to two");
}

// Fails if the control thread is woken again and again by an engine that nobody asks.
TEST_F(ControlSocketTest, NothingToDoIsNoReasonToRest) {
  const Instant rested = control_->rests_until();
  advance();
  EXPECT_EQ(control_->rests_until(), rested);
}

TEST_F(ControlSocketTest, ANewConnectionTakesThePlaceOfTheOneSilentLongest) {
  const UniqueFd silent = connect();
  std::vector<UniqueFd> others;
  for (size_t i = 1; i < control_connections_max; ++i) others.push_back(connect());
  EXPECT_EQ(answer_to(silent), "nothing yet");
  const UniqueFd late = connect();
  EXPECT_EQ(answer_to(silent), "gone");
  for (const UniqueFd& connection : others) EXPECT_EQ(answer_to(connection), "nothing yet");
  ASSERT_TRUE(ask(late, "me"));
  advance();
  EXPECT_EQ(answer_to(late), "answer to me");
}

TEST_F(ControlSocketTest, AQuestionThatIsTooLongEndsTheConnection) {
  const UniqueFd connection = connect();
  ASSERT_TRUE(ask(connection, std::string(control_question_bytes_max + 1, 'x')));
  advance();
  EXPECT_EQ(answer_to(connection), "gone");
}

// Fails if those who hung up keep the descriptor readable, and so the control thread awake.
TEST_F(ControlSocketTest, WhoeverHangsUpIsForgotten) {
  const size_t before = open_descriptors();
  connect();
  advance();
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ControlSocketTest, IsFoundByItsProcessAndLeavesNothing) {
  const auto engines = list_engines();
  ASSERT_TRUE(engines.ok());
  EXPECT_TRUE(std::ranges::any_of(*engines, [&](const RunningEngine& engine) {
    return engine.pid == ::getpid() && engine.control_path == control_->path();
  }));
  control_.reset();
  EXPECT_EQ(folder_.entries(), 0U);
}

// Fails if the socket of a dead engine stays, or that of a living one goes, or any other file does.
TEST_F(ControlSocketTest, WhatDeadEnginesLeftIsTakenAway) {
  const std::string dead = folder_.path() + "/hilo-" + std::to_string(::geteuid()) + "-1.control";
  {
    const UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    const sockaddr_un address = address_of(dead);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
  }
  const std::string letter = dead + ".txt";
  std::ofstream{letter} << "dear reader";
  EXPECT_EQ(*make_way_for_control(), control_->path());
  EXPECT_FALSE(std::filesystem::exists(dead));
  EXPECT_TRUE(std::filesystem::exists(letter));
  EXPECT_TRUE(std::filesystem::exists(control_->path()));
}

TEST_F(ControlSocketTest, NobodyThereIsTold) {
  const auto answer = ask_engine(folder_.path() + "/nobody", "metrics");
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message, testing::HasSubstr("nobody"));
}

}  // namespace
}  // namespace hilo
