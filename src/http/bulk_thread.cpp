#include "http/bulk_thread.h"

#include <cstdint>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/thread_class.h"

namespace hilo::http {
namespace {

void ring(const UniqueFd& bell) {
  const uint64_t one = 1;
  // It cannot fail before 2^64 rings.
  [[maybe_unused]] const ssize_t written = ::write(bell.get(), &one, sizeof(one));
}

void quieten(const UniqueFd& bell) {
  uint64_t rings = 0;
  [[maybe_unused]] const ssize_t read = ::read(bell.get(), &rings, sizeof(rings));
}

}  // namespace

void BulkThread::JobList::push(std::unique_ptr<Job> job) {
  Job* const pushed = job.release();
  Job* newest = newest_.load(std::memory_order_relaxed);
  // Partner: the exchange in take_all(). The list's link is owned by whoever takes it.
  do {
    static_cast<void>(pushed->next.release());
    pushed->next.reset(newest);
  } while (!newest_.compare_exchange_weak(newest, pushed, std::memory_order_release,
                                          std::memory_order_relaxed));
}

std::unique_ptr<BulkThread::Job> BulkThread::JobList::take_all() {
  // Partner: the exchange in push().
  std::unique_ptr<Job> newest_first{newest_.exchange(nullptr, std::memory_order_acquire)};
  std::unique_ptr<Job> oldest_first;
  while (newest_first != nullptr) {
    std::unique_ptr<Job> rest = std::move(newest_first->next);
    newest_first->next = std::move(oldest_first);
    oldest_first = std::move(newest_first);
    newest_first = std::move(rest);
  }
  return oldest_first;
}

BulkThread::BulkThread(const char* name)
    : waiting_bell_(::eventfd(0, EFD_CLOEXEC)),
      finished_bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { loop(); }) {
  ENSURE(waiting_bell_.valid());
  ENSURE(finished_bell_.valid());
  ::pthread_setname_np(thread_.native_handle(), name);
}

BulkThread::~BulkThread() {
  ending_.store(true, std::memory_order_release);  // Partner: the loop's load.
  ring(waiting_bell_);
  thread_.join();
}

void BulkThread::run(Action work, Action follow_up) {
  auto job = std::make_unique<Job>();
  job->work = std::move(work);
  job->follow_up = std::move(follow_up);
  waiting_.push(std::move(job));
  ring(waiting_bell_);
}

void BulkThread::finish() {
  quieten(finished_bell_);
  for (std::unique_ptr<Job> job = finished_.take_all(); job != nullptr; job = std::move(job->next))
    job->follow_up();
}

void BulkThread::loop() {
  // Refused, it is a thread like others: slower for the urgent ones, but right.
  static_cast<void>(run_only_when_idle());
  while (true) {
    quieten(waiting_bell_);  // Sleeps until it rings.
    for (std::unique_ptr<Job> job = waiting_.take_all(); job != nullptr;) {
      if (ending_.load(std::memory_order_acquire)) return;
      std::unique_ptr<Job> rest = std::move(job->next);
      job->work();
      finished_.push(std::move(job));
      ring(finished_bell_);
      job = std::move(rest);
    }
    if (ending_.load(std::memory_order_acquire)) return;
  }
}

}  // namespace hilo::http
