// The unix socket that local programs connect to. A path is held by one live engine: the socket
// that a dead engine left behind is taken over, the socket of a live one is left alone and told
// about.
//
// Threads: one (control). Nothing here blocks.
#pragma once

#include <string>
#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hilo {

class Listener {
 public:
  // Binds `path` with mode 0600 (the missing last folder is not made). The error says in a sentence
  // why it cannot be: a live engine has it, the folder is missing or read-only, the path is too
  // long or is something else than a socket.
  static Result<Listener> bind(const std::string& path);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();  // Removes the path, if it is still the socket that bind() made.

  int descriptor() const { return socket_.get(); }  // Readable when a program wants to connect.
  const std::string& path() const { return path_; }

  enum class Refusal { none_waiting, no_descriptors };
  // The next waiting connection, close-on-exec and non-blocking.
  Result<UniqueFd, Refusal> accept();

 private:
  Listener(UniqueFd socket, std::string path, dev_t device, ino_t inode)
      : socket_(std::move(socket)), path_(std::move(path)), device_(device), inode_(inode) {}

  UniqueFd socket_;
  std::string path_;  // Empty once moved from.
  dev_t device_ = 0;  // The file that bind() made, so that a successor's socket is never removed.
  ino_t inode_ = 0;
};

}  // namespace hilo
