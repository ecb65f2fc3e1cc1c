// Functions of CUDA's library that the host's lacks.
#pragma once

#include "kernels/elementwise/library.h"

inline float erfinvf(float x) { return anabranch::kernels::library::erfinv(x); }
inline double erfinv(double x) { return anabranch::kernels::library::erfinv(x); }
