// How long work takes on the device, without what a launch costs the host: it is recorded several
// times in one graph, which is replayed until enough time has passed.
#pragma once

#include <cstdint>

#include "backend/cuda/device/device_test_support.h"
#include "base/clock.h"

namespace hilo {

inline constexpr uint32_t repeats_in_graph = 8;

// Of one time; `queue` queues it on the device's stream and gives 0 or an error.
template <class Queue>
double microseconds_of(const OpenedDevice& device, double seconds, Queue queue) {
  const CudaDriver& driver = device.driver();
  CudaStream* const stream = device.stream();
  device.must(queue());  // What is loaded at the first call is loaded now.
  device.synchronize();
  device.must(driver.begin_recording(stream));
  int error = 0;
  for (uint32_t i = 0; error == 0 && i < repeats_in_graph; ++i) error = queue();
  CudaGraph* recorded = nullptr;
  const int ended = driver.end_recording(stream, &recorded);
  const GraphHandle graph{driver, recorded};
  device.must(error != 0 ? error : ended);
  const auto replay = [&](uint32_t times) {
    const Instant began = monotonic_now();
    for (uint32_t i = 0; i < times; ++i) device.must(driver.launch(graph.get(), stream));
    device.synchronize();
    return monotonic_now() - began;
  };
  replay(1);
  const auto wanted = static_cast<Nanoseconds>(seconds * second_ns);
  for (uint32_t count = 1;; count *= 2) {
    if (const Nanoseconds took = replay(count); took >= wanted)
      return static_cast<double>(took) / microsecond_ns / (count * repeats_in_graph);
  }
}

}  // namespace hilo
