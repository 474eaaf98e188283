// What tests on a GPU are. Without the plug-in or without a GPU each is skipped and says why. On
// the device that is played on the host (HILO_CUDA_PLUGIN=libhilo_cuda_host.so) they run as well,
// which tests the tests.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/device/device_test_support.h"

namespace hilo {

struct PluginUnderTest {
  const CudaDriver* driver = nullptr;
  CudaDevice device{};
  std::string why_not;  // there is none to test on
};

// Looked for once.
inline const PluginUnderTest& plugin_under_test() {
  static const PluginUnderTest found = [] {
    PluginUnderTest plugin;
    const auto driver = load_cuda_driver();
    if (!driver) {
      plugin.why_not = driver.error().message;
      return plugin;
    }
    plugin.driver = *driver;
    if (const int error = plugin.driver->open(&plugin.device); error == 0)
      plugin.driver->close();
    else
      plugin.why_not = plugin.driver->error_text(error);
    return plugin;
  }();
  return found;
}

class OnDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (!plugin_under_test().why_not.empty())
      GTEST_SKIP() << "tests on a GPU are skipped: " << plugin_under_test().why_not;
  }

  static const CudaDriver& driver() { return *plugin_under_test().driver; }
  // The played device is slow: tests that repeat do so less often.
  static bool is_played() {
    return std::string_view{plugin_under_test().device.name} == "fake device";
  }
  static std::unique_ptr<Backend> make(const Model& model, CudaFormat format,
                                       uint32_t quantum_tokens = 2048) {
    auto backend =
        make_cuda_backend(driver(), model, {.format = format, .quantum_tokens = quantum_tokens});
    if (!backend) throw std::runtime_error(backend.error().message);
    return *std::move(backend);
  }
};

}  // namespace hilo
