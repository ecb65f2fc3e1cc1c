// NVIDIA's libraries that are opened when they are first needed.
#pragma once

#include <string>

namespace anabranch::kernels {

// Opens lib<name>.so.13: from the package that Python environments have it in (nvidia/cu13, or nvidia/<package> of
// before), beside the packages that this process has libraries of, or else where the system has it. Null where it is
// nowhere; then `searched` has a line for each place. It is never closed: threads may be in it when the process ends.
void* open_cuda_library(const std::string& name, const std::string& package, std::string& searched);

}  // namespace anabranch::kernels
