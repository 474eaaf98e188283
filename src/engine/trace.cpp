#include "engine/trace.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "engine/metrics.h"

namespace hilo {
namespace {

// Chrome's format has processes and threads. Ours are three groups of tracks.
enum class Group { high = 1, low = 2, workers = 3 };

constexpr std::array activity_names{"tokenize", "encode", "assist", "stopped at the gate"};

struct Event {
  Nanoseconds at;
  std::string json;
};

double microseconds(Nanoseconds ns) { return static_cast<double>(ns) / 1000.0; }

std::string name_of_group(Group group, const char* name) {
  return fmt::format(R"({{"ph":"M","pid":{},"name":"process_name","args":{{"name":"{}"}}}})",
                     static_cast<int>(group), name);
}

class EventList {
 public:
  // One end of a stage of a text. All stages of one text share its number, which nests them.
  void add_edge(const TaskRecord& task, uint64_t number, char edge, const char* stage, Instant at) {
    const Group group = task.lane == Lane::high ? Group::high : Group::low;
    events_.push_back(
        {at.ns, fmt::format(R"({{"ph":"{}","cat":"text","id":{},"pid":{},"tid":0,"name":"{}",)"
                            R"("ts":{:.3f}}})",
                            edge, number, static_cast<int>(group), stage, microseconds(at.ns))});
  }

  void add_text(const TaskRecord& task, uint64_t number) {
    const auto status = completion_names[static_cast<size_t>(task.status)];
    const std::string name =
        fmt::format("client {}, {} tokens, {}", task.client, task.tokens, status);
    const auto bounds = stage_bounds(task.admitted, task.tokenized, task.computed, task.completed);
    add_edge(task, number, 'b', name.c_str(), task.admitted);
    if (task.status == CompletionStatus::ok) {
      for (size_t stage = 0; stage + 1 < bounds.size(); ++stage) {
        add_edge(task, number, 'b', stage_names[stage], bounds[stage]);
        add_edge(task, number, 'e', stage_names[stage], bounds[stage + 1]);
      }
    }
    add_edge(task, number, 'e', name.c_str(), bounds.back());
  }

  void add_activity(const WorkRecord& record, size_t worker) {
    const Nanoseconds begun = record.times.begun.ns;
    events_.push_back(
        {begun,
         fmt::format(R"({{"ph":"X","pid":{},"tid":{},"name":"{}","ts":{:.3f},"dur":{:.3f},)"
                     R"("args":{{"texts":{}}}}})",
                     static_cast<int>(Group::workers), worker,
                     activity_names[static_cast<size_t>(record.activity)], microseconds(begun),
                     microseconds(record.times.ended.ns - begun), record.texts)});
  }

  // What was added earlier comes first among events of the same time.
  void sort() { std::ranges::stable_sort(events_, {}, &Event::at); }
  const std::vector<Event>& events() const { return events_; }

 private:
  std::vector<Event> events_;
};

// A worker records a stop when it is over, which is before the plan around it is.
std::vector<WorkRecord> outer_ones_first(const LastRecords<WorkRecord>& records) {
  std::vector<WorkRecord> ordered = records.all();
  std::ranges::stable_sort(ordered, [](const WorkRecord& a, const WorkRecord& b) {
    return a.times.begun != b.times.begun ? a.times.begun < b.times.begun
                                          : a.times.ended > b.times.ended;
  });
  return ordered;
}

}  // namespace

WorkerTrace& Trace::add_worker(std::string name) {
  workers_.push_back(std::make_unique<WorkerTrace>(
      WorkerTrace{std::move(name), LastRecords<WorkRecord>{records_max_}}));
  return *workers_.back();
}

void Trace::add_task(const Task& task, CompletionStatus status, Instant now) {
  tasks_.add({.lane = task.lane,
              .client = task.client,
              .tokens = task.tokens,
              .status = status,
              .admitted = task.admitted,
              .tokenized = task.tokenized,
              .computed = task.computed,
              .completed = now});
}

size_t Trace::bytes() const {
  size_t bytes = tasks_.bytes();
  for (const auto& worker : workers_) bytes += worker->records.bytes();
  return bytes;
}

std::string Trace::json() const {
  EventList list;
  uint64_t number = tasks_.lost();
  for (const TaskRecord& task : tasks_.all()) list.add_text(task, number++);
  uint64_t activities_lost = 0;
  for (size_t worker = 0; worker < workers_.size(); ++worker) {
    activities_lost += workers_[worker]->records.lost();
    for (const WorkRecord& record : outer_ones_first(workers_[worker]->records))
      list.add_activity(record, worker);
  }
  list.sort();

  std::string json = fmt::format(
      R"({{"displayTimeUnit":"ns","otherData":{{"texts_lost":{},"activities_lost":{}}},)"
      "\n\"traceEvents\":[\n{},\n{},\n{}",
      tasks_.lost(), activities_lost, name_of_group(Group::high, "HIGH texts"),
      name_of_group(Group::low, "LOW texts"), name_of_group(Group::workers, "workers"));
  for (size_t worker = 0; worker < workers_.size(); ++worker)
    fmt::format_to(std::back_inserter(json),
                   ",\n"
                   R"({{"ph":"M","pid":{},"tid":{},"name":"thread_name","args":{{"name":"{}"}}}})",
                   static_cast<int>(Group::workers), worker, workers_[worker]->name);
  for (const Event& event : list.events()) json.append(",\n").append(event.json);
  return json.append("\n]}\n");
}

}  // namespace hilo
