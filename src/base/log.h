// What the engine tells its operator, one line each on standard error: "hilo: loaded
// all-MiniLM-L6-v2 in 61 ms". Threads: any. Callers format with fmt::format; nothing on the path of
// a task logs.
#pragma once

#include <string_view>

namespace hilo {

// What lines begin with, instead of "hilo". Before other threads log.
void set_log_name(const char* name);

enum class LogLevel { debug, info, warning, error };

// Lines below this level are dropped. Default: info.
void set_log_level(LogLevel level);

void log_debug(std::string_view message);
void log_info(std::string_view message);
void log_warning(std::string_view message);
void log_error(std::string_view message);

}  // namespace hilo
