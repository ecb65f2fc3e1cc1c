// One thread for work that nothing waits for.
#pragma once

#include <functional>

namespace anabranch::kernels {

// Runs the jobs in order on a thread of low priority, which the first one starts. At the end of the process the job
// that runs is waited for, since what it uses is about to go; the others are dropped. A forked child has no such
// thread.
void run_in_background(std::function<void()> job);

// To be called when a library that jobs use was used for the first time: what ends first was begun last.
void settle_background_at_exit();

// Waits until there is no job left: for tests and benchmarks.
void wait_for_background();

}  // namespace anabranch::kernels
