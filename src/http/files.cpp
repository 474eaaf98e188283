#include "http/files.h"

#include <array>

#include <fmt/format.h>

#include "base/log.h"

namespace hilo::http {
namespace {

Status read_keys(Service& service) {
  const std::string& path = service.options.api_keys;
  if (path.empty()) return {};
  auto keys = ApiKeys::read(path, service.options.lanes.otherwise);
  if (!keys) return keys.error();
  log_info(fmt::format("{} API keys in {}", keys->size(), path));
  service.access.set_keys(std::move(*keys));
  return {};
}

Status read_certificate(Service& service) {
  if (service.options.tls_certificate.empty()) return {};
  auto context = TlsContext::open(service.options.tls_certificate, service.options.tls_key);
  if (!context) return context.error();
  service.tls = std::move(*context);
  return {};
}

Status open_log(Service& service) {
  if (service.options.access_log.empty()) return {};
  if (service.log == nullptr)
    service.log =
        std::make_unique<AccessLog>(service.options.access_log, service.metrics.log_lines_dropped);
  return service.log->open();
}

constexpr std::array steps{read_keys, read_certificate, open_log};

}  // namespace

Status read_files(Service& service) {
  for (const auto step : steps)
    if (Status done = step(service); !done) return done;
  return {};
}

void read_files_again(Service& service) {
  log_info("reading keys, certificate and log file again");
  for (const auto step : steps)
    if (const Status done = step(service); !done)
      log_warning(fmt::format("{} What was there before stays.", done.error().message));
}

}  // namespace hilo::http
