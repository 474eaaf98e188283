// Where an engine and its clients meet unless they are told otherwise.
#pragma once

#include <cstdlib>
#include <string>
#include <unistd.h>

namespace hilo {

// $HILO_SOCKET, else $XDG_RUNTIME_DIR/hilo.sock, else /tmp/hilo-UID.sock. An empty variable counts
// as unset.
inline std::string default_socket_path() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string{value != nullptr ? value : ""};
  };
  if (std::string path = variable("HILO_SOCKET"); !path.empty()) return path;
  if (const std::string folder = variable("XDG_RUNTIME_DIR"); !folder.empty())
    return folder + "/hilo.sock";
  return "/tmp/hilo-" + std::to_string(::geteuid()) + ".sock";
}

}  // namespace hilo
