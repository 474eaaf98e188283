// Tests only: the splitters that this machine can run.
#pragma once

#include <vector>

#include "tokenizer/splitter.h"

namespace hilo {

struct NamedSplitter {
  const char* name;
  Splitter split;
};

inline std::vector<NamedSplitter> splitters_of_this_machine() {
  std::vector<NamedSplitter> splitters = {{"scalar", split_scalar}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) splitters.push_back({"avx2", split_avx2});
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi")) {
    splitters.push_back({"avx512_vbmi", split_avx512_vbmi});
  }
#endif
  return splitters;
}

}  // namespace hilo
