// For tests: a folder of their own for sockets, counts of what a process holds, and plain
// connections.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/ensure.h"
#include "base/unique_fd.h"

namespace hilo {

class TestFolder {
 public:
  TestFolder() {
    std::string pattern = "/tmp/hilo-test-XXXXXX";
    ENSURE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }
  size_t entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator{path_},
                                             std::filesystem::directory_iterator{}));
  }

 private:
  std::string path_;
};

inline sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

// Invalid if nobody listens or the queue is full.
inline UniqueFd connect_to(const std::string& path) {
  UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const sockaddr_un address = address_of(path);
  const bool connected =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  return connected ? std::move(socket) : UniqueFd{};
}

inline size_t open_descriptors() {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator{"/proc/self/fd"},
                                           std::filesystem::directory_iterator{}));
}

// Mappings of hilo's shared regions in this process.
inline size_t region_mappings() {
  std::ifstream maps{"/proc/self/maps"};
  size_t count = 0;
  for (std::string line; std::getline(maps, line);)
    if (line.find("/memfd:hilo-") != std::string::npos) ++count;
  return count;
}

}  // namespace hilo
