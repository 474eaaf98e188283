// What the engine remembers for a timeline: the last texts, and the last things that each worker
// did. Where nobody asked for one there is no Trace, and recording is a test of a pointer.
//
// Threads: the tick and each worker write to records of their own, and whoever reads them does so
// when these threads have ended. Memory is had when a thread's records are made; the oldest make
// room for new ones, and are counted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/task_table.h"
#include "protocol/lane.h"

namespace hilo {

template <class Record>
class LastRecords {
 public:
  explicit LastRecords(size_t capacity) : records_(capacity) {}
  size_t bytes() const { return records_.size() * sizeof(Record); }

  void add(const Record& record) { records_[added_++ % records_.size()] = record; }
  uint64_t lost() const { return added_ > records_.size() ? added_ - records_.size() : 0; }
  // In the order in which they were added.
  std::vector<Record> all() const {
    std::vector<Record> ordered;
    for (uint64_t number = lost(); number < added_; ++number)
      ordered.push_back(records_[number % records_.size()]);
    return ordered;
  }

 private:
  std::vector<Record> records_;
  uint64_t added_ = 0;
};

struct TaskRecord {
  Lane lane = Lane::high;
  uint32_t client = 0;
  uint32_t tokens = 0;
  CompletionStatus status{};
  Instant admitted;
  WorkTimes tokenized;  // These two mean nothing unless `status` is ok.
  WorkTimes computed;
  Instant completed;
};

enum class Activity : uint32_t { tokenize, encode, assist, stop };

struct WorkRecord {
  Activity activity{};
  uint32_t texts = 0;
  WorkTimes times;
};

struct WorkerTrace {
  std::string name;
  LastRecords<WorkRecord> records;
};

class Trace {
 public:
  // So many texts, and as many activities of each worker.
  explicit Trace(size_t records_max = 16'384) : records_max_(records_max), tasks_(records_max) {}

  // Before the worker's thread begins; valid as long as this is.
  WorkerTrace& add_worker(std::string name);
  void add_task(const Task& task, CompletionStatus status, Instant now);

  size_t bytes() const;
  // As Chrome's trace format has it, which ui.perfetto.dev opens: a track for each worker, and the
  // texts of each lane with their stages. Events are ordered by time.
  std::string json() const;

 private:
  const size_t records_max_;
  LastRecords<TaskRecord> tasks_;
  std::vector<std::unique_ptr<WorkerTrace>> workers_;
};

}  // namespace hilo
