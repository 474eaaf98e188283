// How a client comes to its channel, and what it is told when it does not.
#include <cstdlib>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>

#include <gtest/gtest.h>
#include <hilo/hilo.h>

#include "channel/launch.h"
#include "channel/reception.h"
#include "channel/test_folder.h"
#include "client/test_engine.h"

namespace hilo {
namespace {

// Goal: a launched program takes its channel once; a program that it starts is told why it cannot.
TEST(Opening, ALaunchedProgramTakesItsChannelOnce) {
  Result<Launch> launch = Launch::prepare(test_spec, LaneRights::low);
  ASSERT_TRUE(launch.ok());
  EXPECT_TRUE(in_child([&] {
    if (!launch->inherit(20)) return false;
    std::string variable = Launch::variable(20);
    ::putenv(variable.data());
    hilo_client* client = nullptr;
    hilo_info_t info{};
    if (hilo_open(&client) != HILO_OK || hilo_info(client, &info) != HILO_OK) return false;
    hilo_client* again = nullptr;
    const bool good = info.lanes == HILO_LOW && info.dims == 8 &&
                      hilo_open(&again) == HILO_NOT_FOUND && again == nullptr;
    hilo_close(client);
    return good;
  }));
  char mapped[sizeof(Mapped)];
  EXPECT_EQ(::recv(launch->session().socket(), mapped, sizeof(mapped), MSG_DONTWAIT),
            static_cast<ssize_t>(sizeof(mapped)));
}

// Goal: descriptors that are something else are neither used nor closed.
TEST(Opening, WrongDescriptorsAreLeftAlone) {
  for (const char* value :
       {"HILO_CHANNEL=", "HILO_CHANNEL=1,2", "HILO_CHANNEL=a,b,c,d", "HILO_CHANNEL=0,1,2,2",
        "HILO_CHANNEL=-1,-1,-1,-1", "HILO_CHANNEL=99999,99998,99997,99996"}) {
    EXPECT_TRUE(in_child([&] {
      std::string variable = value;
      ::putenv(variable.data());
      const size_t before = open_descriptors();
      hilo_client* client = nullptr;
      const hilo_status status = hilo_open(&client);
      return status == HILO_NOT_FOUND && client == nullptr && open_descriptors() == before;
    })) << value;
  }
}

TEST(Opening, SaysWhyThereIsNoEngine) {
  const TestFolder folder;
  const std::string path = folder.path() + "/hilo.sock";
  hilo_client* client = nullptr;
  EXPECT_EQ(hilo_connect(path.c_str(), HILO_HIGH, &client), HILO_NOT_FOUND);
  EXPECT_NE(std::string{hilo_last_error()}.find(path), std::string::npos);
  EXPECT_EQ(hilo_connect(std::string(200, 'x').c_str(), HILO_HIGH, &client), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_connect(path.c_str(), static_cast<hilo_lane>(3), &client), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_connect(path.c_str(), HILO_HIGH, nullptr), HILO_INVALID_ARGUMENT);
  EXPECT_EQ(hilo_connect_fd(-1, HILO_HIGH, &client), HILO_INVALID_ARGUMENT);
  ::setenv("HILO_SOCKET", path.c_str(), 1);
  EXPECT_EQ(hilo_connect(nullptr, HILO_HIGH, &client), HILO_NOT_FOUND);
  EXPECT_NE(std::string{hilo_last_error()}.find(path), std::string::npos);
  ::unsetenv("HILO_SOCKET");
}

// Goal: the engine's refusals arrive as statuses.
TEST(Opening, RefusalsAreTold) {
  const TestFolder folder;
  const std::string path = folder.path() + "/hilo.sock";
  const std::unique_ptr<Reception> reception = std::move(*Reception::create(test_spec));
  ASSERT_TRUE(reception->listen(std::move(*Listener::bind(path)), LaneRights::low).ok());
  const auto connect_with = [&](const Admission& admission, hilo_lane lane) {
    std::thread engine{[&] {
      pollfd readable{.fd = reception->descriptor(), .events = POLLIN, .revents = 0};
      for (int turn = 0; turn < 2; ++turn) {
        ::poll(&readable, 1, 200);
        reception->advance(monotonic_now(), admission);
      }
    }};
    hilo_client* client = nullptr;
    const hilo_status status = hilo_connect(path.c_str(), lane, &client);
    EXPECT_EQ(client, nullptr);
    engine.join();
    return status;
  };
  EXPECT_EQ(connect_with({}, HILO_HIGH), HILO_LANE_DENIED);
  EXPECT_EQ(connect_with({.sessions = clients_max}, HILO_LOW), HILO_REFUSED);
  EXPECT_EQ(connect_with({.shutting_down = true}, HILO_LOW), HILO_SHUTTING_DOWN);
}

}  // namespace
}  // namespace hilo
