// Owners of what a table of functions gives, which release it; and a driver's errors as sentences.
#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "backend/cuda/driver.h"
#include "base/result.h"

namespace hilo {

template <class Table, class Type, void (*Table::*Release)(Type*)>
class TableHandle {
 public:
  using Pointee = Type;

  TableHandle() = default;
  TableHandle(const Table& table, Type* handle) : table_(&table), handle_(handle) {}
  TableHandle(TableHandle&& other) noexcept
      : table_(other.table_), handle_(std::exchange(other.handle_, nullptr)) {}
  TableHandle& operator=(TableHandle&& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  TableHandle(const TableHandle&) = delete;
  TableHandle& operator=(const TableHandle&) = delete;
  ~TableHandle() {
    if (handle_ != nullptr) (table_->*Release)(handle_);
  }

  Type* get() const { return handle_; }

 private:
  const Table* table_ = nullptr;
  Type* handle_ = nullptr;
};

template <class Type, void (*CudaDriver::*Release)(Type*)>
using CudaHandle = TableHandle<CudaDriver, Type, Release>;

using DeviceMemory = CudaHandle<void, &CudaDriver::release>;
using PinnedMemory = CudaHandle<void, &CudaDriver::release_pinned>;
using StreamHandle = CudaHandle<CudaStream, &CudaDriver::release_stream>;
using EventHandle = CudaHandle<CudaEvent, &CudaDriver::release_event>;
using GraphHandle = CudaHandle<CudaGraph, &CudaDriver::release_graph>;
using GemmHandle = CudaHandle<CudaGemm, &CudaDriver::release_gemm>;

// "the GPU cannot record its work: out of memory"
inline Error cuda_error(const CudaDriver& driver, std::string_view what, int error) {
  return Error{
      fmt::format("the GPU cannot {}: {} (error {})", what, driver.error_text(error), error)};
}

// What `make` puts into its argument, as a function of the table does.
template <class Handle, class Make>
Result<Handle> make_handle(const CudaDriver& driver, std::string_view what, Make make) {
  typename Handle::Pointee* made = nullptr;
  if (const int error = make(&made); error != 0) return cuda_error(driver, what, error);
  return Handle{driver, made};
}

}  // namespace hilo
