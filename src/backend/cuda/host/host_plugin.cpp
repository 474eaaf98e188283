// libhilo_cuda_host.so: the plug-in's table filled by a device that is played on the host, so that
// whole programs are tested without a GPU. When the program ends, it tells on standard error what
// it would have complained of, and then ends with status 3. The environment says what device it
// plays:
//
//   HILO_HOST_GPU_ERROR      what open() gives; 35 stands for a machine without a driver
//   HILO_HOST_GPU_MEBIBYTES  its memory
//   HILO_HOST_GPU_VERSION    of the table
//   HILO_HOST_GPU_IDLE       if set, work is checked and not done
#include <charconv>
#include <cstdlib>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "backend/cuda/host/fake_driver.h"

namespace hilo {
namespace {

template <class Number>
Number number_or(const char* variable, Number otherwise) {
  const char* const set = std::getenv(variable);
  const std::string_view text = set == nullptr ? "" : set;
  std::from_chars(text.data(), text.data() + text.size(), otherwise);
  return otherwise;
}

class HostGpu {
 public:
  HostGpu()
      : fake_({.bytes = number_or<uint64_t>("HILO_HOST_GPU_MEBIBYTES", 1024) << 20,
               .open_error = number_or<int>("HILO_HOST_GPU_ERROR", 0),
               .computes = std::getenv("HILO_HOST_GPU_IDLE") == nullptr}),
        table_(fake_.table()) {
    table_.version = number_or<uint32_t>("HILO_HOST_GPU_VERSION", cuda_driver_version);
    // CUDA has threads of its own, too: a signal to the program must not reach them.
    thread_ = std::thread{[end = end_.get_future()] { end.wait(); }};
  }
  HostGpu(const HostGpu&) = delete;
  HostGpu& operator=(const HostGpu&) = delete;
  ~HostGpu() {
    end_.set_value();
    thread_.join();
    for (const std::string& complaint : fake_.complaints())
      fmt::print(stderr, "host GPU: {}\n", complaint);
    if (fake_.alive() > 0)
      fmt::print(stderr, "host GPU: {} things were not released\n", fake_.alive());
    if (!fake_.complaints().empty() || fake_.alive() > 0) ::_exit(3);
  }
  const CudaDriver& table() const { return table_; }

 private:
  FakeDriver fake_;
  CudaDriver table_;
  std::promise<void> end_;
  std::thread thread_;
};

}  // namespace
}  // namespace hilo

extern "C" __attribute__((visibility("default"))) const CudaDriver* hilo_cuda_driver() {
  static const hilo::HostGpu gpu;
  return &gpu.table();
}
