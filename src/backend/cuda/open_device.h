// The first device of a driver, open for as long as it lives.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "backend/cuda/driver.h"
#include "base/result.h"

namespace hilo {

class OpenDevice {
 public:
  static Result<OpenDevice> open(const CudaDriver& driver) {
    CudaDevice about{};
    if (const int error = driver.open(&about); error != 0)
      return Error{fmt::format("there is no GPU to compute on: {} (error {})",
                               driver.error_text(error), error)};
    return OpenDevice{driver, about};
  }
  OpenDevice(OpenDevice&& other) noexcept
      : driver_(std::exchange(other.driver_, nullptr)), about_(other.about_) {}
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;
  OpenDevice& operator=(OpenDevice&&) = delete;
  ~OpenDevice() {
    if (driver_ != nullptr) driver_->close();
  }
  const CudaDevice& about() const { return about_; }
  // "NVIDIA H100 80GB HBM3, 80512 of 81559 MiB free"
  std::string describe() const {
    return fmt::format("{}, {} of {} MiB free", about_.name, about_.bytes_free / mebibyte,
                       about_.bytes_total / mebibyte);
  }

  // That so much fits, or how much is missing.
  Status check_memory(uint64_t model_bytes, uint64_t lanes_bytes) const {
    const uint64_t needed = model_bytes + lanes_bytes;
    if (needed <= about_.bytes_free) return {};
    return Error{fmt::format(
        "the GPU {} has {} MiB free, and the model takes {} MiB and the lanes {} MiB: {} MiB are "
        "missing; use a smaller model, or free the GPU",
        about_.name, about_.bytes_free / mebibyte, model_bytes / mebibyte, lanes_bytes / mebibyte,
        (needed - about_.bytes_free + mebibyte - 1) / mebibyte)};
  }

 private:
  static constexpr uint64_t mebibyte = uint64_t{1} << 20;

  OpenDevice(const CudaDriver& driver, const CudaDevice& about) : driver_(&driver), about_(about) {}
  const CudaDriver* driver_;
  CudaDevice about_;
};

}  // namespace hilo
