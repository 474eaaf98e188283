// Where threads run and with what right.
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

// The next three are for the calling thread, and need no right.
//
// SCHED_IDLE: any other on the core goes first, at once. Where the kernel shares cores between
// groups of programs first (sessions, by autogroup; containers), that holds within the group alone,
// so the thread asks for long slices, too: whoever wakes in another group has a shorter one and
// need not wait for the end of this one. Without that it does in one case of 20, for 3 ms. Linux
// before 6.12 has no slices of threads. False where the system does not allow the class.
bool run_only_when_idle();
// The other way about: when it wakes it need not wait for the end of another's slice. It gets no
// more of the core in all.
void ask_for_short_slices();
// nice 19, the least of the normal class.
void be_nice();

// Starts a thread that handles no signals: they are the control thread's.
std::thread start_thread(const std::string& name, std::function<void()> body);

}  // namespace hilo
