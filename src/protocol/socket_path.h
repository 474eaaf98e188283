// Where `hilo serve` listens and clients look when nobody names a path.
#pragma once

#include <string>

namespace hilo {

// $HILO_SOCKET, else $XDG_RUNTIME_DIR/hilo.sock, else /tmp/hilo-UID.sock. An empty variable counts
// as not set.
std::string default_socket_path();

}  // namespace hilo
