#include "backend/cuda/host/fake_driver.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "backend/cuda/host/fake_work.h"
#include "base/ensure.h"

// The handles, as the fake has them.
struct CudaStream {
  uint32_t number;
  std::deque<hilo::Work> queued;
  std::optional<std::vector<hilo::Work>> recording;
};
struct CudaEvent {
  CudaStream* stream = nullptr;
};
struct CudaGraph {
  std::vector<hilo::Work> works;
};
struct CudaGemm {
  CudaGemmShape shape;
};

namespace hilo {
namespace {

constexpr int invalid_value = 1;
constexpr int out_of_memory = 2;

struct Memory {
  explicit Memory(uint64_t size)
      : bytes(size), data(new(std::align_val_t{cuda_alignment}) std::byte[size], Free{}) {
    // Not a number in every format, so that what was not written shows.
    std::fill_n(data.get(), size, std::byte{0xff});
  }
  struct Free {
    void operator()(std::byte* memory) const {
      ::operator delete[](memory, std::align_val_t{cuda_alignment});
    }
  };
  uint64_t bytes;
  std::unique_ptr<std::byte[], Free> data;
};
using Memories = std::map<const void*, Memory>;

// Owns handles of one kind, and knows which are alive.
template <class Handle>
class Living {
 public:
  Handle* add(Handle handle) {
    auto owner = std::make_unique<Handle>(std::move(handle));
    Handle* const added = owner.get();
    owners_.emplace(added, std::move(owner));
    return added;
  }
  bool has(const Handle* handle) const { return owners_.contains(handle); }
  void remove(const Handle* handle) { owners_.erase(handle); }
  size_t size() const { return owners_.size(); }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [handle, owner] : owners_) visit(*owner);
  }

 private:
  std::map<const Handle*, std::unique_ptr<Handle>> owners_;
};

}  // namespace

class FakeDriver::State {
 public:
  explicit State(const FakeDeviceOptions& of) : options(of) {}

  // ---- Whether a call is allowed

  // The error to return before anything is done, or 0.
  int enter(const char* call) {
    if (!opened && complain(fmt::format("{} before open", call)) != 0) return invalid_value;
    return calls++ == failing ? injected_error : 0;
  }
  int complain(std::string text) {
    complaints.push_back(std::move(text));
    return invalid_value;
  }

  int check(const Work& work) {
    for (const Touch& touch : work.touches)
      if (const int error = check(work.name, touch); error != 0) return error;
    return 0;
  }
  int check(const std::string& name, const Touch& touch) {
    const Memories& memories = touch.pinned ? pinned : device;
    auto after = memories.upper_bound(touch.memory);
    if (after != memories.begin()) {
      const auto& [begin, memory] = *std::prev(after);
      const auto* end = static_cast<const char*>(begin) + memory.bytes;
      if (touch.end() <= end) {
        const bool aligned = reinterpret_cast<uintptr_t>(touch.memory) % cuda_alignment == 0;
        return aligned || !touch.aligned ? 0 : complain(fmt::format("{}: not aligned", name));
      }
    }
    return complain(fmt::format("{} touches {} bytes that are in no {} allocation", name,
                                touch.bytes, touch.pinned ? "pinned" : "device"));
  }

  // Work that waits on other streams and nobody has waited for.
  int check_order(const CudaStream& stream, const Work& work) {
    int error = 0;
    streams.for_each([&](const CudaStream& other) {
      if (&other == &stream) return;
      for (const Work& earlier : other.queued)
        if (conflict(earlier, work))
          error = complain(fmt::format("{} on stream {} is not ordered behind {} on stream {}",
                                       work.name, stream.number, earlier.name, other.number));
    });
    return error;
  }
  static bool conflict(const Work& a, const Work& b) {
    for (const Touch& left : a.touches)
      for (const Touch& right : b.touches)
        if ((left.writes || right.writes) && overlap(left, right)) return true;
    return false;
  }

  bool in_use(const Touch& memory) const {
    bool used = false;
    const auto look = [&](const Work& work) {
      used = used ||
             std::ranges::any_of(work.touches, [&](const Touch& t) { return overlap(t, memory); });
    };
    streams.for_each([&](const CudaStream& stream) { std::ranges::for_each(stream.queued, look); });
    graphs.for_each([&](const CudaGraph& graph) { std::ranges::for_each(graph.works, look); });
    return used;
  }

  // ---- Work

  int queue(CudaStream* stream, Work work) {
    if (const int error = enter(work.name.c_str()); error != 0) return error;
    if (!streams.has(stream)) return complain(work.name + " on a stream that does not live");
    if (const int error = check(work); error != 0) return error;
    if (stream->recording) {
      stream->recording->push_back(std::move(work));
      return 0;
    }
    if (const int error = check_order(*stream, work); error != 0) return error;
    stream->queued.push_back(std::move(work));
    return 0;
  }
  int finish(CudaStream& stream) {
    int error = 0;
    for (; !stream.queued.empty(); stream.queued.pop_front()) {
      const Work& next = stream.queued.front();
      done.push_back(fmt::format("stream {}: {}", stream.number, next.name));
      if (options.computes && error == 0) error = next.run();
    }
    return error;
  }

  // ---- Memory

  int allocate(Memories& memories, uint64_t bytes, void** made) {
    uint64_t taken = 0;
    for (const auto& [begin, memory] : device) taken += memory.bytes;
    if (&memories == &device && taken + bytes > options.bytes) return out_of_memory;
    Memory memory(bytes);
    *made = memory.data.get();
    memories.emplace(*made, std::move(memory));
    return 0;
  }
  void release(Memories& memories, void* memory) {
    const auto found = memories.find(memory);
    if (found == memories.end()) {
      complain("memory is released that does not live");
      return;
    }
    if (in_use({memory, found->second.bytes, /*writes=*/true}))
      complain("memory is released that work still touches");
    memories.erase(found);
  }

  size_t alive() const {
    return device.size() + pinned.size() + streams.size() + events.size() + graphs.size() +
           gemms.size();
  }

  const FakeDeviceOptions options;
  mutable std::mutex mutex;
  bool opened = false;
  uint64_t calls = 0;
  uint64_t failing = ~uint64_t{0};
  uint32_t streams_made = 0;
  std::vector<std::string> complaints, done;
  Memories device, pinned;
  Living<CudaStream> streams;
  Living<CudaEvent> events;
  Living<CudaGraph> graphs;
  Living<CudaGemm> gemms;
};

namespace {

FakeDriver::State* current = nullptr;

// Every function of the table: with the device to itself.
template <class Function>
auto locked(Function function) {
  const std::lock_guard lock(current->mutex);
  return function(*current);
}

using State = FakeDriver::State;

int open_device(CudaDevice* device) {
  return locked([&](State& fake) {
    if (fake.options.open_error != 0) return fake.options.open_error;
    fake.opened = true;
    if (const int error = fake.enter("open"); error != 0) {
      fake.opened = false;
      return error;
    }
    *device = {.name = "fake device",
               .bytes_total = fake.options.bytes,
               .bytes_free = fake.options.bytes,
               .capability_major = 9,
               .capability_minor = 0,
               .priority_least = 0,
               .priority_greatest = -5};
    return 0;
  });
}
void close_device() {
  locked([](State& fake) { fake.opened = false; });
}
const char* error_text(int error) {
  if (error == FakeDriver::injected_error) return "an injected error";
  if (error == out_of_memory) return "out of memory";
  return error == 35 ? "CUDA driver version is insufficient for CUDA runtime version"
                     : "invalid argument";
}

int allocate(uint64_t bytes, void** memory) {
  return locked([&](State& fake) {
    const int error = fake.enter("allocate");
    return error != 0 ? error : fake.allocate(fake.device, bytes, memory);
  });
}
void release(void* memory) {
  locked([&](State& fake) { fake.release(fake.device, memory); });
}
int allocate_pinned(uint64_t bytes, void** memory) {
  return locked([&](State& fake) {
    const int error = fake.enter("allocate_pinned");
    return error != 0 ? error : fake.allocate(fake.pinned, bytes, memory);
  });
}
void release_pinned(void* memory) {
  locked([&](State& fake) { fake.release(fake.pinned, memory); });
}

int make_stream(int32_t, CudaStream** stream) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("make_stream"); error != 0) return error;
    *stream = fake.streams.add({.number = ++fake.streams_made, .queued = {}, .recording = {}});
    return 0;
  });
}
void release_stream(CudaStream* stream) {
  locked([&](State& fake) {
    if (!fake.streams.has(stream)) {
      fake.complain("a stream is released that does not live");
      return;
    }
    if (!stream->queued.empty()) fake.complain("a stream is released that has work");
    if (stream->recording) fake.complain("a stream is released that records");
    fake.streams.remove(stream);
  });
}
int synchronize(CudaStream* stream) {
  return locked([&](State& fake) {
    const int error = fake.enter("synchronize");
    if (!fake.streams.has(stream)) return fake.complain("synchronize: no such stream");
    if (stream->recording) return fake.complain("synchronize while recording");
    // The work ends, whatever is told of it.
    const int of_work = fake.finish(*stream);
    return error != 0 ? error : of_work;
  });
}

int make_event(int, CudaEvent** event) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("make_event"); error != 0) return error;
    *event = fake.events.add({});
    return 0;
  });
}
void release_event(CudaEvent* event) {
  locked([&](State& fake) {
    if (!fake.events.has(event)) fake.complain("an event is released that does not live");
    fake.events.remove(event);
  });
}
int record(CudaEvent* event, CudaStream* stream) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("record"); error != 0) return error;
    if (!fake.events.has(event)) return fake.complain("record: no such event");
    if (!fake.streams.has(stream)) return fake.complain("record: no such stream");
    event->stream = stream;
    return 0;
  });
}
// Does everything on the stream: what was queued behind the event would soon be done as well.
int wait(CudaEvent* event) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("wait"); error != 0) return error;
    if (!fake.events.has(event)) return fake.complain("wait: no such event");
    if (event->stream == nullptr) return fake.complain("wait for an event that nobody records");
    if (!fake.streams.has(event->stream)) return fake.complain("wait: its stream is gone");
    return fake.finish(*event->stream);
  });
}

int copy_in(void* to, const void* from, uint64_t bytes, CudaStream* stream) {
  return locked([&](State& fake) { return fake.queue(stream, copy_work(to, from, bytes, true)); });
}
int copy_out(void* to, const void* from, uint64_t bytes, CudaStream* stream) {
  return locked([&](State& fake) { return fake.queue(stream, copy_work(to, from, bytes, false)); });
}

int begin_recording(CudaStream* stream) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("begin_recording"); error != 0) return error;
    if (!fake.streams.has(stream)) return fake.complain("begin_recording: no such stream");
    if (stream->recording) return fake.complain("begin_recording while recording");
    stream->recording.emplace();
    return 0;
  });
}
int end_recording(CudaStream* stream, CudaGraph** graph) {
  return locked([&](State& fake) {
    const int error = fake.enter("end_recording");
    if (!fake.streams.has(stream)) return fake.complain("end_recording: no such stream");
    if (!stream->recording) return fake.complain("end_recording without begin_recording");
    std::vector<Work> works = *std::move(stream->recording);
    stream->recording.reset();
    if (error != 0) return error;
    *graph = fake.graphs.add({std::move(works)});
    return 0;
  });
}
void release_graph(CudaGraph* graph) {
  locked([&](State& fake) {
    if (!fake.graphs.has(graph)) fake.complain("a graph is released that does not live");
    fake.graphs.remove(graph);
  });
}
int launch(CudaGraph* graph, CudaStream* stream) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("launch"); error != 0) return error;
    if (!fake.graphs.has(graph)) return fake.complain("launch: no such graph");
    if (!fake.streams.has(stream)) return fake.complain("launch: no such stream");
    if (stream->recording) return fake.complain("launch while recording");
    for (const Work& work : graph->works) {
      if (const int error = fake.check(work); error != 0) return error;
      if (const int error = fake.check_order(*stream, work); error != 0) return error;
      stream->queued.push_back(work);
    }
    return 0;
  });
}

int make_gemm(const CudaGemmShape* shape, CudaGemm** gemm) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("make_gemm"); error != 0) return error;
    *gemm = fake.gemms.add({*shape});
    return 0;
  });
}
void release_gemm(CudaGemm* gemm) {
  locked([&](State& fake) {
    if (!fake.gemms.has(gemm)) fake.complain("a product is released that does not live");
    fake.gemms.remove(gemm);
  });
}
int multiply(const CudaGemm* gemm, const CudaProduct* product, CudaStream* stream) {
  return locked([&](State& fake) {
    if (!fake.gemms.has(gemm)) return fake.complain("multiply: no such product");
    if (product->row_count > gemm->shape.rows_max)
      return fake.complain("multiply: more rows than were told");
    if ((gemm->shape.adds_bias != 0) != (product->bias != nullptr))
      return fake.complain("multiply: a bias is missing, or none was told");
    return fake.queue(stream, work_of(gemm->shape, *product));
  });
}

template <class Arguments>
int run_kernel(const Arguments* arguments, CudaStream* stream) {
  return locked([&](State& fake) { return fake.queue(stream, work_of(*arguments)); });
}

template <bool to_int64>
int upcast(const CudaUpcast* arguments, CudaStream* stream) {
  return locked([&](State& fake) { return fake.queue(stream, work_of(*arguments, to_int64)); });
}

constexpr CudaDriver fake_table = {.version = cuda_driver_version,
                                   .open = open_device,
                                   .close = close_device,
                                   .error_text = error_text,
                                   .allocate = allocate,
                                   .release = release,
                                   .allocate_pinned = allocate_pinned,
                                   .release_pinned = release_pinned,
                                   .make_stream = make_stream,
                                   .release_stream = release_stream,
                                   .synchronize = synchronize,
                                   .make_event = make_event,
                                   .release_event = release_event,
                                   .record = record,
                                   .wait = wait,
                                   .copy_in = copy_in,
                                   .copy_out = copy_out,
                                   .begin_recording = begin_recording,
                                   .end_recording = end_recording,
                                   .release_graph = release_graph,
                                   .launch = launch,
                                   .make_gemm = make_gemm,
                                   .release_gemm = release_gemm,
                                   .multiply = multiply,
                                   .embed = run_kernel<CudaEmbed>,
                                   .add_norm = run_kernel<CudaAddNorm>,
                                   .gelu = run_kernel<CudaGelu>,
                                   .attend = run_kernel<CudaAttention>,
                                   .pool = run_kernel<CudaPool>,
                                   .score = run_kernel<CudaScore>,
                                   .upcast_int32 = upcast<false>,
                                   .upcast_int64 = upcast<true>};

}  // namespace

FakeDriver::FakeDriver(const FakeDeviceOptions& options)
    : state_(std::make_unique<State>(options)) {
  ENSURE(current == nullptr);
  current = state_.get();
}
FakeDriver::~FakeDriver() { current = nullptr; }

const CudaDriver& FakeDriver::table() const { return fake_table; }

std::vector<std::string> FakeDriver::complaints() const {
  const std::lock_guard lock(state_->mutex);
  return state_->complaints;
}
std::vector<std::string> FakeDriver::work() const {
  const std::lock_guard lock(state_->mutex);
  return state_->done;
}
size_t FakeDriver::alive() const {
  const std::lock_guard lock(state_->mutex);
  return state_->alive();
}
bool FakeDriver::opened() const {
  const std::lock_guard lock(state_->mutex);
  return state_->opened;
}
uint64_t FakeDriver::calls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->calls;
}
int FakeDriver::queue(CudaStream* stream, Work work) {
  const std::lock_guard lock(state_->mutex);
  return state_->queue(stream, std::move(work));
}
void FakeDriver::fail_call(uint64_t number) {
  const std::lock_guard lock(state_->mutex);
  state_->failing = number;
}

}  // namespace hilo
