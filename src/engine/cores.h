// Where threads run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace hilo {

// The cores this process may use, at most `count` of them. 0 means as many as its quota of CPU time
// keeps busy, but two where there are two, so that a HIGH text need not wait behind another: more
// would spend the quota sooner, and each holds back a slice of it.
std::vector<int> usable_cores(uint32_t count);

// False where the system does not allow it; the thread goes on without.
bool pin_to_core(std::thread& thread, int core);

// Starts a thread that handles no signals: they are the control thread's.
std::thread start_thread(const std::string& name, std::function<void()> body);

}  // namespace hilo
