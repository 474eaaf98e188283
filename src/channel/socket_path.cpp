#include "channel/socket_path.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace hilo {
namespace {

constexpr mode_t rights_of_others = S_IRWXG | S_IRWXO;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Why the file is no private folder; empty if it is one.
std::string objection_to(const struct stat& file) {
  if (!S_ISDIR(file.st_mode)) return "is none";
  if (file.st_uid != ::geteuid()) return "belongs to another user";
  if ((file.st_mode & rights_of_others) != 0)
    return fmt::format("has mode {:04o}", file.st_mode & ALLPERMS);
  return {};
}

// Follows a symbolic link: whoever sets the variable for our processes is trusted.
bool is_private(const std::string& path) {
  struct stat file {};
  return ::stat(path.c_str(), &file) == 0 && objection_to(file).empty();
}

}  // namespace

Status make_private_folder(const std::string& path) {
  struct stat file {};
  if ((::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) || ::lstat(path.c_str(), &file) != 0)
    return Error{
        fmt::format("The folder {} for sockets cannot be made: {}.", path, std::strerror(errno))};
  const std::string objection = objection_to(file);
  if (objection.empty()) return {};
  return Error{
      fmt::format("{} must be a folder of your own with mode 0700 to hold sockets, and {}; remove "
                  "it, or set XDG_RUNTIME_DIR to such a folder.",
                  path, objection)};
}

Result<std::string> tmp_socket_folder() {
  std::string folder = fmt::format("/tmp/hilo-{}", ::geteuid());
  if (Status made = make_private_folder(folder); !made) return made.error();
  return folder;
}

Result<std::string> socket_folder() {
  std::string folder = variable("XDG_RUNTIME_DIR");
  if (!folder.empty() && is_private(folder)) return folder;
  return tmp_socket_folder();
}

Result<std::string> default_socket_path() {
  std::string path = variable("HILO_SOCKET");
  if (!path.empty()) return path;
  auto folder = socket_folder();
  if (!folder) return folder.error();
  return *folder + "/hilo.sock";
}

bool is_ours_or_roots(int socket) {
  ucred peer{};
  socklen_t bytes = sizeof(peer);
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace hilo
