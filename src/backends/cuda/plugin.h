// How the library finds the CUDA backend, which is a library of its own.
#pragma once

#include <string>

namespace anabranch::runtime {
class Backend;
}

namespace anabranch::backends {

inline constexpr char cuda_library[] = "libanabranch_cuda.so";
inline constexpr char cuda_entry[] = "anabranch_cuda_backend_0_1_0";
// A new backend, the caller's, or null, with the reason in `why_not`.
using MakeCudaBackend = runtime::Backend*(std::string* why_not);

}  // namespace anabranch::backends
