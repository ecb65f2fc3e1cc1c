// How arrays are printed.
#pragma once

#include <string>

#include "anabranch/array.h"

namespace anabranch {

struct PrintOptions {
  // Digits after the decimal point of floats; -1: six significant digits, as short as they can be written.
  int precision = -1;
};

// The process's options.
PrintOptions print_options();
void set_print_options(PrintOptions options);

// As Python's repr(): array([1, 2, 3], dtype=int32). Extents above 6 are shown by their first and last three elements.
// Evaluates.
std::string to_string(const array& a);

}  // namespace anabranch
