#include "cli/embed/pipeline.h"

#include <chrono>
#include <csignal>
#include <pthread.h>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "cli/embed/stop_request.h"
#include "engine/cores.h"

namespace hilo {
namespace {

using namespace std::chrono_literals;

constexpr auto time_between_drawings = 100ms;

// How far a thread may be ahead of the slowest one, which bounds what waits to be written.
constexpr uint64_t chunks_ahead_each = 8;

// As in other programs of a pipe, that nobody reads any more ends this one.
void end_when_the_reader_has_gone() {
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &broken_pipe, nullptr);
}

}  // namespace

Status Pipeline::run(uint32_t threads) {
  working_ = threads;
  ahead_max_ = threads * chunks_ahead_each;
  std::vector<std::thread> workers;
  workers.reserve(threads);
  for (uint32_t i = 0; i < threads; ++i)
    workers.push_back(start_thread(fmt::format("hilo-embed-{}", i), [this] { work(); }));
  for (std::unique_lock lock{output_mutex_};
       !changed_.wait_for(lock, time_between_drawings, [this] { return working_ == 0; });)
    progress_.draw();
  for (std::thread& worker : workers) worker.join();
  return status_;
}

void Pipeline::work() {
  end_when_the_reader_has_gone();
  ChunkEncoder encoder{job_};
  while (auto chunk = take()) {
    EncodedChunk encoded = encoder.encode(chunk->lines);
    if (!encoded.failure) encoded.failure = std::move(chunk->failure);
    hand_in(chunk->index, std::move(encoded));
  }
  const std::lock_guard lock{output_mutex_};
  --working_;
  changed_.notify_all();
}

std::optional<Pipeline::Chunk> Pipeline::take() {
  const std::lock_guard lock{input_mutex_};
  if (ended_ || stop_requested()) return std::nullopt;
  auto lines = next_lines_();
  std::optional<Chunk> chunk;
  if (!lines) {
    chunk.emplace().failure = lines.error();
  } else if (!lines->empty()) {
    chunk.emplace().lines = std::move(*lines);
  }
  if (chunk) chunk->index = chunks_taken_++;
  return chunk;
}

void Pipeline::hand_in(uint64_t index, EncodedChunk chunk) {
  std::unique_lock lock{output_mutex_};
  // The thread with the next chunk never waits here, so the others do not wait forever.
  changed_.wait(lock, [&] { return index - next_ < ahead_max_ || ended_; });
  waiting_.emplace(index, std::move(chunk));
  for (auto first = waiting_.begin(); !ended_ && first != waiting_.end() && first->first == next_;
       first = waiting_.erase(first), ++next_)
    write(first->second);
  changed_.notify_all();
}

void Pipeline::write(const EncodedChunk& chunk) {
  status_ = output_.append(chunk.bytes, chunk.records);
  if (status_ && chunk.failure) status_ = *chunk.failure;
  ended_ = !status_;
  for (const BadLine& line : chunk.skipped)
    progress_.warn(fmt::format("line {} {}: skipped", line.number, line.cause));
  progress_.add({.texts = chunk.texts,
                 .tokens = chunk.tokens,
                 .truncated = chunk.truncated,
                 .skipped = chunk.skipped.size(),
                 .input_bytes = chunk.input_bytes});
}

}  // namespace hilo
