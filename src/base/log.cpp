#include "base/log.h"

#include <memory>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace hilo {
namespace {

// Colour appears on a terminal only; the sink decides that by itself. Never destroyed: threads may
// log during exit.
spdlog::logger& logger() {
  static spdlog::logger* const instance = [] {
    // tidy: allowed, a logger of spdlog takes its sinks so.
    auto made = std::make_unique<spdlog::logger>(
        "hilo", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%n: %^%v%$");
    return made.release();
  }();
  return *instance;
}

}  // namespace

void set_log_name(const char* name) { logger().set_pattern(fmt::format("{}: %^%v%$", name)); }

void set_log_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return logger().set_level(spdlog::level::debug);
    case LogLevel::info:
      return logger().set_level(spdlog::level::info);
    case LogLevel::warning:
      return logger().set_level(spdlog::level::warn);
    case LogLevel::error:
      return logger().set_level(spdlog::level::err);
  }
}

void log_debug(std::string_view message) { logger().debug(message); }
void log_info(std::string_view message) { logger().info(message); }
void log_warning(std::string_view message) { logger().warn(message); }
void log_error(std::string_view message) { logger().error(message); }

}  // namespace hilo
