// A fuzz target that must fail: the proof that the fuzzers' instrumentation steers the search and
// that a crash is noticed. Four bytes in a row are one input in four billion for blind chance, and
// a second's work when coverage guides the way. `./dev fuzz` demands that this target crashes.

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  if (bytes >= 4 && data[0] == 'h' && data[1] == 'i' && data[2] == 'l' && data[3] == 'o') {
    __builtin_trap();
  }
  return 0;
}
