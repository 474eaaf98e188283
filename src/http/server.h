// The server: listens, keeps the connections, and ends in order.
//
//   serving ----> leaving ----> draining ----> over
//          SIGTERM   only the      requests under way
//                    readiness     are answered
#pragma once

#include <memory>

#include "base/result.h"
#include "http/options.h"

namespace hilo::http {

class Server {
 public:
  // Listens; from here on signals to stop are held back for run().
  static Result<std::unique_ptr<Server>> create(const HttpOptions& options);
  ~Server();

  // Serves until a signal, then ends: the requests under way have their time.
  void run();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace hilo::http
