// A listening socket: TCP, or one in the file system.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hilo::http {

// "8080", "0.0.0.0:8080", "[::1]:8080", "unix:/run/hilo-http.sock"
struct ListenAddress {
  const char* scheme = "http";  // for its name
  std::string host = "127.0.0.1";
  std::string port;
  std::string unix_path;  // if not empty, this is meant
};
Result<ListenAddress> parse_listen_address(std::string_view text);

// Where a connection comes from: "127.0.0.1:4711", "[::1]:4711", "unix".
std::string name_of_client(int connection);

class HttpListener {
 public:
  // The path of a server that died is taken over, that of a living one is not.
  static Result<HttpListener> open(const ListenAddress& address);
  ~HttpListener();
  HttpListener(HttpListener&&) = default;
  HttpListener& operator=(HttpListener&&) = delete;

  int descriptor() const { return socket_.get(); }
  // A connection, or none is waiting.
  UniqueFd accept() const;
  bool is_unix() const { return !path_.empty(); }
  // Where it listens, for people: the port is the one that was given if 0 was asked for.
  const std::string& name() const { return name_; }
  // Only programs of this machine can connect.
  bool local() const { return local_; }

 private:
  HttpListener(UniqueFd socket, std::string name, bool local, std::string path)
      : socket_(std::move(socket)), name_(std::move(name)), local_(local), path_(std::move(path)) {}
  static Result<HttpListener> open_tcp(const ListenAddress& address);
  static Result<HttpListener> open_unix(const std::string& path);

  UniqueFd socket_;
  std::string name_;
  bool local_;
  std::string path_;
};

}  // namespace hilo::http
