// Fused programs as CUDA C++.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/program.h"
#include "kernels/elementwise/kernel_plan.h"

namespace anabranch::kernels {

// The text of a kernel named `program`, of blocks of kernel_threads threads; its argument are the words of a plan of
// this form. It includes files of device/.
std::string generate(const graph::Program& program, const KernelForm& form);

// What the text depends on, so that equal keys are equal texts.
void write_key(const graph::Program& program, const KernelForm& form, std::vector<std::uint64_t>& key);

}  // namespace anabranch::kernels
