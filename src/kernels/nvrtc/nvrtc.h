// NVIDIA's run-time compiler, opened when it is first needed.
#pragma once

#include <string>
#include <vector>

namespace anabranch::kernels {

struct CompiledText {
  std::vector<char> code;
  std::string error;  // why there is no code: the compiler's log, or why there is no compiler
};

// "13.0", or "" where there is no compiler; then why.
const std::string& nvrtc_version();
const std::string& nvrtc_missing();

// CUDA C++ that may include what device_texts holds, as machine code for `architecture` ("sm_90"), or PTX
// ("compute_90").
CompiledText compile_text(const std::string& text, const std::string& architecture);

// The same, unless the user's cache of compiled kernels has it already; then it has it.
CompiledText compile_once(const std::string& text, const std::string& architecture);

}  // namespace anabranch::kernels
