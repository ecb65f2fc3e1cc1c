// Simulated accelerators: memory that the host can't touch, queues that work on their own. For tests, of this project
// and of programs that want to run "on a GPU" where there is none: ANABRANCH_SIM_GPU=1 makes one mx.gpu, 2 gives two.
#pragma once

#include <memory>

#include "runtime/backend.h"

namespace anabranch::backends {

std::unique_ptr<runtime::Backend> make_sim_backend(int devices);

}  // namespace anabranch::backends
