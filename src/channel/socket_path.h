// Where engines listen and clients look when nobody names a path: in a folder that only our user
// can put a socket into, so that no stranger can wait there for our texts.
#pragma once

#include <string>

#include "base/result.h"

namespace hilo {

// $HILO_SOCKET, else hilo.sock in socket_folder(). An empty variable counts as not set.
Result<std::string> default_socket_path();

// $XDG_RUNTIME_DIR if it is private, else tmp_socket_folder(). A folder is private if it is ours
// and gives nobody else a right.
Result<std::string> socket_folder();

// /tmp/hilo-UID.
Result<std::string> tmp_socket_folder();

// Makes a private folder, unless there is one. The error says what is at `path` instead: /tmp is
// everybody's, and a stranger, or a symbolic link of one, may have been there first.
Status make_private_folder(const std::string& path);

// Whether our user or root listens at the other end of a connected socket.
bool is_ours_or_roots(int socket);

}  // namespace hilo
