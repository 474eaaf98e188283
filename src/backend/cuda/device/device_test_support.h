// A device to work on without a CudaBackend, for tests and the benchmark: its memory, and a stream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "backend/cuda/driver.h"
#include "backend/cuda/handles.h"

namespace hilo {

// An open device with a stream to work on. An error of it ends the test.
class OpenedDevice {
 public:
  explicit OpenedDevice(const CudaDriver& driver) : open_(driver) {
    stream_ = *make_handle<StreamHandle>(
        driver, "make a stream", [&](CudaStream** made) { return driver.make_stream(0, made); });
    chunk_ = *make_handle<PinnedMemory>(driver, "pin memory", [&](void** made) {
      return driver.allocate_pinned(chunk_bytes, made);
    });
  }

  const CudaDriver& driver() const { return open_.driver; }
  CudaStream* stream() const { return stream_.get(); }
  void must(int error) const {
    if (error != 0) throw std::runtime_error(driver().error_text(error));
  }
  void synchronize() const { must(driver().synchronize(stream())); }

  DeviceMemory allocate(uint64_t bytes) const {
    return *make_handle<DeviceMemory>(driver(), "allocate memory", [&](void** made) {
      return driver().allocate(std::max<uint64_t>(bytes, cuda_alignment), made);
    });
  }
  void write(void* to, std::span<const std::byte> bytes) const {
    for (size_t first = 0; first < bytes.size(); first += chunk_bytes) {
      const auto part = bytes.subspan(first, std::min(chunk_bytes, bytes.size() - first));
      std::ranges::copy(part, chunk());
      must(driver().copy_in(static_cast<std::byte*>(to) + first, chunk(), part.size(), stream()));
      synchronize();
    }
  }
  void read(std::span<std::byte> bytes, const void* from) const {
    for (size_t first = 0; first < bytes.size(); first += chunk_bytes) {
      const auto part = bytes.subspan(first, std::min(chunk_bytes, bytes.size() - first));
      must(driver().copy_out(chunk(), static_cast<const std::byte*>(from) + first, part.size(),
                             stream()));
      synchronize();
      std::copy_n(chunk(), part.size(), part.data());
    }
  }

 private:
  static constexpr size_t chunk_bytes = size_t{1} << 20;

  struct Open {
    explicit Open(const CudaDriver& of) : driver(of) {
      CudaDevice about{};
      if (const int error = driver.open(&about); error != 0)
        throw std::runtime_error(driver.error_text(error));
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;
    ~Open() { driver.close(); }
    const CudaDriver& driver;
  };
  std::byte* chunk() const { return static_cast<std::byte*>(chunk_.get()); }

  Open open_;  // Closed after everything else is released.
  StreamHandle stream_;
  PinnedMemory chunk_;
};

enum class Place { host, device };

// The same numbers on the host and on the device, for what runs on both.
template <class Number>
class Twin {
 public:
  Twin(const OpenedDevice& device, std::vector<Number> numbers)
      : device_(device),
        host_(std::move(numbers)),
        memory_(device.allocate(host_.size() * sizeof(Number))) {
    refresh();
  }
  // The device's as the host's are now.
  void refresh() { device_.write(memory_.get(), std::as_bytes(std::span{host_})); }

  Number* at(Place place) {
    return place == Place::host ? host_.data() : static_cast<Number*>(memory_.get());
  }
  std::vector<Number>& on_host() { return host_; }
  std::vector<Number> on_device() const {
    std::vector<Number> numbers(host_.size());
    device_.read(std::as_writable_bytes(std::span{numbers}), memory_.get());
    return numbers;
  }

 private:
  const OpenedDevice& device_;
  std::vector<Number> host_;
  DeviceMemory memory_;
};

}  // namespace hilo
