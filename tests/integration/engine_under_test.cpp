#include "engine_under_test.h"

#include <chrono>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "backend/echo.h"
#include "base/ensure.h"

namespace hilo {
namespace {

constexpr Nanoseconds patience = 10 * second_ns;

}  // namespace

const EngineOptions EngineUnderTest::default_options{
    .threads = 0, .tokens_max = 256, .prompts = {}};

EngineUnderTest::EngineUnderTest(const Backend& backend, const EngineOptions& options,
                                 const Tokenizer* tokenizer)
    : spec_{.dims = backend.dims(),
            .tokens_max = options.tokens_max,
            .info =
                options.scores_pairs ? R"({"cross_encoder":true})" : R"({"token_vectors":true})"},
      engine_(std::make_unique<Engine>(backend, tokenizer, options)),
      reception_(std::move(*Reception::create(spec_))) {
  control_ = std::thread{[this] { control(); }};
}

EngineUnderTest::~EngineUnderTest() {
  stopping_ = true;
  control_.join();
}

void EngineUnderTest::control() {
  while (!stopping_) {
    pollfd events[2] = {};
    {
      const std::lock_guard lock{mutex_};
      for (auto& session : reception_->advance(monotonic_now(), {})) adopt(std::move(session));
      if (engine_) count_retired();
      events[0] = {.fd = reception_->descriptor(), .events = POLLIN, .revents = 0};
      events[1] = {.fd = engine_ ? engine_->news() : -1, .events = POLLIN, .revents = 0};
    }
    ::poll(events, 2, 1);
  }
}

void EngineUnderTest::count_retired() {
  std::vector<std::unique_ptr<Session>> retired = engine_->take_retired();
  const auto count = static_cast<uint32_t>(retired.size());
  retired.clear();  // Who sees them counted may count what they held.
  retired_ += count;
}

void EngineUnderTest::adopt(std::unique_ptr<Session> session) {
  ++begun_;
  engine_->adopt(std::move(session));
}

hilo_client* EngineUnderTest::connect(hilo_lane lane) {
  int ends[2];
  ENSURE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  {
    const std::lock_guard lock{mutex_};
    ENSURE(reception_->receive(UniqueFd{ends[0]}, LaneRights::any, monotonic_now()).ok());
  }
  hilo_client* client = nullptr;
  const hilo_status status = hilo_connect_fd(ends[1], lane, &client);
  EXPECT_EQ(status, HILO_OK) << hilo_last_error();
  return client;
}

Stranger EngineUnderTest::connect_stranger() {
  // As the supervisor does: no more sessions than the engine has places for.
  while (begun_ - retired_ > clients_max / 2) std::this_thread::yield();
  TestChannel channel{spec_, LaneRights::any};
  Stranger stranger{std::move(channel.client_socket),
                    std::make_unique<RawClient>(*channel.session)};
  channel.session->close_region_descriptors();
  const std::lock_guard lock{mutex_};
  adopt(std::move(channel.session));
  return stranger;
}

void EngineUnderTest::destroy_engine() {
  const std::lock_guard lock{mutex_};
  engine_.reset();
}

bool EngineUnderTest::all_retired() {
  const Instant until = monotonic_now() + patience;
  while (retired_ != begun_ && monotonic_now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  return retired_ == begun_;
}

hilo_submit_options options_for(hilo_lane lane) {
  hilo_submit_options options{};
  options.struct_bytes = sizeof options;
  options.lane = lane;
  return options;
}

hilo_task submit(hilo_client* client, hilo_lane lane, const std::string& text) {
  hilo_task task = 0;
  const hilo_status status = hilo_submit(client, lane, text.data(), text.size(), &task);
  EXPECT_EQ(status, HILO_OK) << hilo_last_error();
  return task;
}

hilo_task submit_as(hilo_client* client, const hilo_submit_options& options,
                    const std::string& text, const std::string& second) {
  const hilo_text texts[] = {{text.data(), text.size()}, {second.data(), second.size()}};
  hilo_task task = 0;
  size_t submitted = 0;
  EXPECT_EQ(hilo_submit_many(client, &options, texts, 1, &task, &submitted), HILO_OK)
      << hilo_last_error();
  return task;
}

hilo_result take_one(hilo_client* client) {
  hilo_result result{};
  for (;;) {
    size_t taken = 0;
    hilo_take(client, &result, 1, &taken);
    if (taken == 1) return result;
    const hilo_status waited = hilo_wait(client, patience / millisecond_ns);
    if (waited == HILO_OK) continue;
    ADD_FAILURE() << "no result: " << hilo_strerror(waited);
    result.status = waited;
    return result;
  }
}

Answer take_answer(hilo_client* client, hilo_task expected) {
  const hilo_result result = take_one(client);
  EXPECT_EQ(result.task, expected);
  Answer answer{.status = result.status, .vector = {}};
  if (result.status != HILO_OK) return answer;
  hilo_info_t info{};
  EXPECT_EQ(hilo_info(client, &info), HILO_OK);
  answer.vector.assign(result.vector, result.vector + info.dims);
  EXPECT_EQ(hilo_release(client, result.task), HILO_OK);
  return answer;
}

Answer embed(hilo_client* client, hilo_lane lane, const std::string& text) {
  return take_answer(client, submit(client, lane, text));
}

std::vector<float> echo_of(const std::string& text, uint32_t dims, uint32_t tokens_max) {
  std::vector<uint32_t> ids;
  for (const char byte : text.substr(0, tokens_max)) ids.push_back(static_cast<uint8_t>(byte));
  std::vector<float> vector(dims);
  echo_vector(ids, vector);
  return vector;
}

Completion wait_for_completion(const RawClient& raw, uint32_t seen) {
  const Instant until = monotonic_now() + patience;
  while (raw.completion_tail() == seen && monotonic_now() < until) std::this_thread::yield();
  EXPECT_EQ(raw.completion_tail(), seen + 1);
  return raw.completion(seen);
}

}  // namespace hilo
