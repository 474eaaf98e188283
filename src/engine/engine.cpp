#include "engine/engine.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/log.h"
#include "engine/engine_threads.h"

namespace hilo {

Engine::Engine(const Backend& backend, const Tokenizer* tokenizer, const EngineOptions& options) {
  ENSURE(options.tokens_max > 0);
  ENSURE(options.tokens_max <= tokens_per_task_max);
  for (const std::string& prompt : options.prompts) ENSURE(prompt.size() <= text_bytes_max);
  threads_ = std::make_unique<EngineThreads>(backend, tokenizer, options);
}

Engine::~Engine() = default;

std::vector<BudgetLine> Engine::memory_budget() const { return threads_->memory_budget(); }

void Engine::adopt(std::unique_ptr<Session> session) {
  threads_->desk().adopt(std::move(session));
  threads_->ring();
}

std::vector<std::unique_ptr<Session>> Engine::take_retired() {
  std::vector<std::unique_ptr<Session>> retired = threads_->desk().take_retired();
  for (const auto& session : retired)
    if (!session->violation().empty())
      log_warning(
          fmt::format("client {} was disconnected: {}", session->id(), session->violation()));
  return retired;
}

int Engine::news() const { return threads_->desk().news(); }

void Engine::drain(Instant deadline) {
  threads_->desk().drain(deadline);
  threads_->ring();
}

bool Engine::drained() const { return threads_->desk().drained(); }

}  // namespace hilo
