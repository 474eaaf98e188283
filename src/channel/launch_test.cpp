#include "channel/launch.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "channel/message.h"
#include "channel/test_folder.h"

namespace hilo {
namespace {

const ChannelSpec launched{.dims = 8, .tokens_max = 16, .info = "{}"};

TEST(Launch, NamesItsDescriptors) { EXPECT_EQ(Launch::variable(7), "HILO_CHANNEL=7,8,9,10"); }

// Goal: the child has the four descriptors at their numbers, and they survive exec, also when the
// numbers are those that the sources had.
TEST(Launch, PlacesDescriptorsWhateverIsThere) {
  for (const int first : {3, 4, 5, 6, 7, 8, 200}) {
    Result<Launch> launch = Launch::prepare(launched, LaneRights::high);
    ASSERT_TRUE(launch.ok());
    const pid_t child = ::fork();
    if (child == 0) {
      bool good = launch->inherit(first);
      for (int i = 0; i < 4; ++i) good = good && ::fcntl(first + i, F_GETFD) == 0;
      Welcome welcome;
      const Received received =
          receive_message(first, std::as_writable_bytes(std::span{&welcome, 1}));
      good = good && received.bytes == sizeof(Welcome) && welcome.descriptors == 0;
      good = good && map_region(first + 1, client_region_bytes(), Access::read_write).ok();
      good = good && map_region(first + 2, engine_region_bytes(8), Access::read).ok();
      good = good && !map_region(first + 2, engine_region_bytes(8), Access::read_write).ok();
      good = good && ::write(first + 3, "\1\0\0\0\0\0\0\0", 8) == 8;
      ::_exit(good ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "first number " << first;
  }
}

// Goal: when the program ends, the engine's end of the socket hangs up: nobody else holds the
// other.
TEST(Launch, HangsUpWhenTheProgramEnds) {
  const size_t before = open_descriptors();
  {
    Result<Launch> launch = Launch::prepare(launched, LaneRights::low);
    ASSERT_TRUE(launch.ok());
    EXPECT_EQ(launch->session().rights(), LaneRights::low);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(launch->inherit(3) ? 0 : 1);
    const std::unique_ptr<Session> session = launch->handed_over();
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    char byte;
    EXPECT_EQ(
        receive_message(session->socket(), std::as_writable_bytes(std::span{&byte, 1})).outcome,
        Received::Outcome::hung_up);
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace hilo
