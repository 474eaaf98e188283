#include "protocol/socket_path.h"

#include <cstdlib>
#include <unistd.h>

namespace hilo {

std::string default_socket_path() {
  const char* const socket = std::getenv("HILO_SOCKET");
  if (socket != nullptr && *socket != '\0') return socket;
  const char* const folder = std::getenv("XDG_RUNTIME_DIR");
  if (folder != nullptr && *folder != '\0') return std::string{folder} + "/hilo.sock";
  return "/tmp/hilo-" + std::to_string(::getuid()) + ".sock";
}

}  // namespace hilo
