// One thread for what would keep the io thread too long. It runs in SCHED_IDLE, so that whoever
// waits for an urgent text has the cores first.
//
// An idle thread may lose its core for long at any instruction, so it holds no lock that the io
// thread could ever wait for: work and results are handed over by atomic lists.
//
// Threads: all calls come from the io thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "base/unique_fd.h"

namespace hilo::http {

class BulkThread {
 public:
  using Action = std::function<void()>;

  explicit BulkThread(const char* name = "bulk");
  ~BulkThread();  // Waits for the work under way; what waits behind it is dropped.
  BulkThread(const BulkThread&) = delete;
  BulkThread& operator=(const BulkThread&) = delete;

  // Does `work` on the bulk thread, in the order of the calls, and then `follow_up` in finish().
  void run(Action work, Action follow_up);
  // Becomes readable when finish() has something to do.
  int descriptor() const { return finished_bell_.get(); }
  void finish();

 private:
  struct Job {
    Action work;
    Action follow_up;
    std::unique_ptr<Job> next;
  };
  // One side pushes, the other takes all there is, oldest first.
  class JobList {
   public:
    ~JobList() { take_all(); }
    void push(std::unique_ptr<Job> job);
    std::unique_ptr<Job> take_all();

   private:
    std::atomic<Job*> newest_{nullptr};
  };
  void loop();

  JobList waiting_;
  JobList finished_;
  UniqueFd waiting_bell_;
  UniqueFd finished_bell_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace hilo::http
