#include "supervisor/control_client.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/unique_fd.h"
#include "channel/message.h"
#include "channel/socket_path.h"
#include "supervisor/control_socket.h"

namespace hilo {
namespace {

constexpr timeval answer_wait_max{.tv_sec = 2, .tv_usec = 0};
constexpr std::string_view suffix = ".control";

std::string prefix() { return fmt::format("hilo-{}-", ::geteuid()); }

// 0 if the name is not that of a control socket of ours.
pid_t process_in(const std::string& name) {
  const std::string before = prefix();
  if (!name.starts_with(before) || !name.ends_with(suffix)) return 0;
  const char* const first = name.data() + before.size();
  const char* const last = name.data() + name.size() - suffix.size();
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(first, last, pid);
  return error == std::errc{} && end == last ? pid : 0;
}

// By process; those of engines that were killed, too.
std::vector<RunningEngine> sockets_in(const std::string& folder) {
  std::vector<RunningEngine> engines;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator{folder, unreadable}) {
    const pid_t pid = process_in(entry.path().filename());
    std::error_code gone;
    if (pid > 0 && entry.is_socket(gone)) engines.push_back({pid, entry.path()});
  }
  std::ranges::sort(engines, {}, &RunningEngine::pid);
  return engines;
}

// Invalid, with errno, if nobody is there.
UniqueFd connect_to(const std::string& path) {
  UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (socket.get() < 0) return {};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &answer_wait_max, sizeof answer_wait_max);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &answer_wait_max, sizeof answer_wait_max);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  return socket;
}

// A control socket listens before it has its name, so one that refuses is dead.
bool is_dead(const RunningEngine& engine) {
  return !connect_to(engine.control_path).valid() && errno == ECONNREFUSED;
}

std::vector<RunningEngine> engines_in(const std::string& folder) {
  std::vector<RunningEngine> engines = sockets_in(folder);
  std::erase_if(engines, is_dead);
  return engines;
}

}  // namespace

Result<std::string> make_way_for_control() {
  const auto folder = socket_folder();
  if (!folder) return folder.error();
  for (const RunningEngine& engine : sockets_in(*folder))
    if (is_dead(engine)) ::unlink(engine.control_path.c_str());
  return fmt::format("{}/{}{}{}", *folder, prefix(), ::getpid(), suffix);
}

Result<std::vector<RunningEngine>> list_engines() {
  for (const auto& find : {socket_folder, tmp_socket_folder}) {
    const auto folder = find();
    if (!folder) return folder.error();
    if (auto engines = engines_in(*folder); !engines.empty()) return engines;
  }
  return std::vector<RunningEngine>{};
}

Result<std::string> ask_engine(const std::string& control_path, std::string_view question) {
  const UniqueFd socket = connect_to(control_path);
  if (!socket.valid())
    return Error{fmt::format("No engine answers at {}: {}.", control_path, std::strerror(errno))};
  if (!is_ours_or_roots(socket.get()))
    return Error{fmt::format("The engine at {} belongs to another user.", control_path)};
  std::string answer(control_answer_bytes_max, '\0');
  ssize_t bytes = -1;
  if (send_message(socket.get(), std::as_bytes(std::span{question})))
    bytes = ::recv(socket.get(), answer.data(), answer.size(), 0);
  if (bytes <= 0)
    return Error{
        fmt::format("The engine at {} accepted the connection and did not answer.", control_path)};
  answer.resize(static_cast<size_t>(bytes));
  return answer;
}

}  // namespace hilo
