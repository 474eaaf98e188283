// What all connections share. Threads: the io thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "http/access.h"
#include "http/bulk_thread.h"
#include "http/engine.h"
#include "http/options.h"
#include "http/request_record.h"
#include "http/router.h"
#include "http/status_page.h"
#include "http/text_tokenizer.h"

namespace hilo::http {

struct Service {
  Service(const HttpOptions& given, EventLoop& loop)
      : options(given),
        access(given.lanes),
        engine(given.socket, given.limits, loop),
        status_page(given.socket) {}

  const HttpOptions& options;
  Router router;
  Access access;
  Engine engine;
  StatusPage status_page;                          // of the thread for errands
  std::unique_ptr<const TextTokenizer> tokenizer;  // may be null; used by the bulk thread, too
  BulkThread bulk;
  BulkThread errands{"errands"};
  bool draining = false;
  size_t bodies_bytes = 0;  // of all requests, from their first byte to their response's last
  std::string date;         // for the header, renewed once a second
  std::function<void(const RequestRecord&)> finished;  // may be empty

  Context context() {
    return {.limits = options.limits,
            .about = engine.about(),
            .any_model = options.any_model,
            .connected = engine.connected(),
            .draining = draining || engine.draining(),
            .absence = engine.absence(),
            .status_page = &status_page,
            .tokenizer = tokenizer.get()};
  }
};

}  // namespace hilo::http
