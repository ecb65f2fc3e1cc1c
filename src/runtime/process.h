// The runtime in the life of a process: forks and the end.
#pragma once

namespace anabranch::runtime {

// Makes forks safe from now on: before one our locks are taken, the child starts with no workers and with all that was
// in flight lost. Called when the library is loaded.
void install_fork_handlers();

// At exit: workers finish the chunk they are at and begin no other. What is waited for later runs in the thread that
// waits. Call it again at will.
void shutdown();

// The simulation lives many lives in one process. When nothing is in flight: what is kept for as long as the process
// lives is let go. After shutdown(), when all workers are gone: workers may start again, so many at most.
void let_go();
void restart(int workers);

}  // namespace anabranch::runtime
