// A backend that computes only when the test permits it, batch by batch, and remembers what it was
// given. Texts begin with 'H' or 'L' to say which lane they are for. It can pass for a device.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "backend/echo.h"

namespace hilo {

struct NoWorkspace final : Workspace {
  size_t bytes() const override { return 0; }
};

class LatchedBackend final : public Backend {
 public:
  using Batch = std::vector<std::string>;
  static constexpr int unlimited = 1'000'000;

  explicit LatchedBackend(std::optional<Device> device = {}) : device_(std::move(device)) {
    told_of_high_.reserve(100);  // By the engine's intake thread, where nothing may allocate.
  }

  uint32_t dims() const override { return 8; }
  uint32_t vocabulary() const override { return 256; }
  std::string describe() const override { return "latched"; }
  bool gives_token_vectors() const override { return true; }
  size_t bytes() const override { return 0; }

  std::unique_ptr<Workspace> make_workspace(uint32_t, uint32_t, Lane) const override {
    return std::make_unique<NoWorkspace>();
  }
  std::optional<Device> device() const override { return device_; }
  void expect_high(bool any) const override {
    const std::lock_guard lock{mutex_};
    told_of_high_.push_back(any);
  }

  bool run(const TokenBatch& batch, Workspace&, const YieldGate& gate,
           std::span<float* const> vectors) const override {
    Batch texts;
    for (size_t i = 0; i < batch.texts(); ++i) {
      const uint32_t start = batch.sequence_start[i];
      const auto ids = batch.ids.subspan(start, batch.sequence_start[i + 1] - start);
      std::string text;
      for (const uint32_t id : ids) text += static_cast<char>(id);
      texts.push_back(text);
      echo_vector(ids, {vectors[i], dims()});
    }
    wait_for_permit(texts);
    if (!gate.pass()) return false;
    return texts[0].find("broken") == std::string::npos;
  }

  void permit_high(int batches) { permit(high_permits_, batches); }
  void permit_low(int batches) { permit(low_permits_, batches); }
  // What it was told by expect_high().
  std::vector<bool> told_of_high() const {
    const std::lock_guard lock{mutex_};
    return told_of_high_;
  }
  // The batches begun so far, once there are at least `count`; fewer after ten seconds.
  std::vector<Batch> batches(size_t count) const {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return batches_.size() >= count; });
    return batches_;
  }

 private:
  void permit(int& permits, int batches) {
    const std::lock_guard lock{mutex_};
    permits += batches;
    changed_.notify_all();
  }
  void wait_for_permit(const Batch& texts) const {
    std::unique_lock lock{mutex_};
    batches_.push_back(texts);
    changed_.notify_all();
    int& permits = texts[0].starts_with('H') ? high_permits_ : low_permits_;
    changed_.wait(lock, [&] { return permits > 0; });
    --permits;
  }

  const std::optional<Device> device_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::vector<Batch> batches_;
  mutable std::vector<bool> told_of_high_;
  mutable int high_permits_ = 0;
  mutable int low_permits_ = 0;
};

}  // namespace hilo
