#pragma once

#include <memory>

#include "runtime/backend.h"

namespace anabranch::backends {

std::unique_ptr<runtime::Backend> make_cpu_backend();

}  // namespace anabranch::backends
