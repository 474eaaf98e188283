// What all connections share. Threads: the io thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http/access.h"
#include "http/access_log.h"
#include "http/bulk_thread.h"
#include "http/cors.h"
#include "http/engine.h"
#include "http/http_metrics.h"
#include "http/metrics_page.h"
#include "http/options.h"
#include "http/request_record.h"
#include "http/request_tag.h"
#include "http/router.h"
#include "http/routes.h"
#include "http/status_page.h"
#include "http/text_tokenizer.h"
#include "http/tls_context.h"

namespace hilo::http {

struct Service {
  Service(const HttpOptions& given, EventLoop& loop)
      : options(given),
        router(all_routes()),
        metrics(router.routes()),
        metrics_page(metrics, given.socket),
        status_page(metrics, given.socket),
        access(given.lanes),
        cors(given.cors_origins),
        engine(given.socket, given.limits, loop) {}

  const HttpOptions& options;
  const Router router;
  HttpMetrics metrics;
  MetricsPage metrics_page;  // of the thread for errands, as the next
  StatusPage status_page;
  Access access;
  const Cors cors;
  RequestTags tags;
  std::optional<TlsContext> tls;  // none: TCP is not encrypted
  Engine engine;
  std::unique_ptr<const TextTokenizer> tokenizer;  // may be null; used by the bulk thread, too
  BulkThread bulk;
  BulkThread errands{"errands"};
  std::unique_ptr<AccessLog> log;  // null: nobody wants one
  bool draining = false;
  size_t requests_in_flight = 0;
  size_t bodies_bytes = 0;  // of all requests, from their first byte to their response's last
  std::string date;         // for the header, renewed once a second

  void finished(const RequestRecord& record) {
    metrics.count(record);
    if (log != nullptr) log->add(record);
  }

  Context context() {
    return {.limits = options.limits,
            .about = engine.about(),
            .any_model = options.any_model,
            .connected = engine.connected(),
            .draining = draining || engine.draining(),
            .absence = engine.absence(),
            .status_page = &status_page,
            .metrics_page = &metrics_page,
            .tokenizer = tokenizer.get()};
  }
};

}  // namespace hilo::http
