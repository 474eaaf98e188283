// Whom the kernel lets go first on a core. All are for the calling thread, and need no right.
#pragma once

namespace hilo {

// SCHED_IDLE: any other on the core goes first, at once. Where the kernel shares cores between
// groups of programs first (sessions, by autogroup; containers), that holds within the group alone,
// so the thread asks for long slices, too: whoever wakes in another group has a shorter one and
// need not wait for the end of this one. Without that it does in a few of a hundred cases, for 3
// ms. Linux before 6.12 has no slices of threads. False where the system does not allow the class.
bool run_only_when_idle();
// The other way about: when it wakes it need not wait for the end of another's slice. It gets no
// more of the core in all.
void ask_for_short_slices();
// nice 19, the least of the normal class.
void be_nice();

}  // namespace hilo
