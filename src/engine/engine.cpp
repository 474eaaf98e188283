#include "engine/engine.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/log.h"
#include "engine/engine_threads.h"
#include "engine/metrics.h"

namespace hilo {

Engine::Engine(const Backend& backend, const Tokenizer* tokenizer, const EngineOptions& options) {
  ENSURE(options.tokens_max > 0);
  ENSURE(options.tokens_max <= tokens_per_task_max);
  ENSURE(!options.scores_pairs || tokenizer != nullptr);
  for (const std::string& prompt : options.prompts) ENSURE(prompt.size() <= text_bytes_max);
  threads_ = std::make_unique<EngineThreads>(backend, tokenizer, options);
}

Engine::~Engine() = default;

bool Engine::stop(Instant deadline) { return threads_->stop(deadline); }

std::vector<BudgetLine> Engine::memory_budget() const { return threads_->memory_budget(); }

const Metrics& Engine::metrics() const { return threads_->metrics(); }

std::vector<WorkerReport> Engine::worker_reports() const { return threads_->worker_reports(); }

// The tick counts by place, and a place may change hands while it is read: then the numbers of the
// new client are told for the old one, once.
std::vector<ClientReport> Engine::client_reports() const {
  std::vector<ClientReport> reports = clients_;
  for (ClientReport& report : reports)
    for (const ClientMetrics& place : metrics().clients())
      if (place.session.get() == report.session + 1) {
        report.texts_open = place.open.get();
        report.texts = place.texts.get();
        report.tokens = place.tokens.get();
      }
  return reports;
}

void Engine::adopt(std::unique_ptr<Session> session) {
  clients_.push_back(
      {.session = session->id(), .peer = peer_of(*session), .rights = session->rights()});
  threads_->desk().adopt(std::move(session));
  threads_->ring();
}

std::vector<std::unique_ptr<Session>> Engine::take_retired() {
  std::vector<std::unique_ptr<Session>> retired = threads_->desk().take_retired();
  for (const auto& session : retired) {
    std::erase_if(clients_, [&](const auto& client) { return client.session == session->id(); });
    if (!session->violation().empty())
      log_warning(
          fmt::format("client {} was disconnected: {}", session->id(), session->violation()));
  }
  return retired;
}

int Engine::news() const { return threads_->desk().news(); }

void Engine::drain(Instant deadline) {
  threads_->desk().drain(deadline);
  threads_->ring();
}

bool Engine::drained() const { return threads_->desk().drained(); }

}  // namespace hilo
