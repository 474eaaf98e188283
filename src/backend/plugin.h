// Loading what hilo does without where it is missing: a shared library beside the program.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace hilo {

struct PluginSpec {
  const char* file;           // "libhilo_cuda.so": beside the program, or in ../lib
  const char* path_variable;  // Names another file, if it is set.
  const char* function;       // that it exports
};

// The function; the library stays loaded. What cannot be loaded is told in one sentence.
Result<void*> load_plugin(const PluginSpec& spec);

// Whether the table of functions that a plug-in gave has the version that hilo needs.
Status check_table_version(const char* file, uint32_t version, uint32_t needed);

}  // namespace hilo
