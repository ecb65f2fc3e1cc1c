// The exceptions that Anabranch throws. Python sees ValueError, TypeError, IndexError, OverflowError, MemoryError or
// RuntimeError for, in that order, std::invalid_argument, TypeError, std::out_of_range, std::overflow_error,
// MemoryError and all else.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

namespace anabranch {

// An operand of the wrong kind.
struct TypeError : std::logic_error {
  using std::logic_error::logic_error;
};

// An allocation that the device or a memory limit refused; says how much was asked, held and cached, and for which
// stream.
struct MemoryError : std::bad_alloc {
  explicit MemoryError(std::string what) : what_(std::move(what)) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

// No backend for this operation or device here; the message says why.
struct NotSupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The device does not work any more, or not in this process; what was in flight on it has failed.
struct DeviceLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace anabranch
