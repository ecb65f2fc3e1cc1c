// The structures of DLPack 1.0 (github.com/dmlc/dlpack), whose layout is its interface.
#pragma once

#include <cstdint>

namespace anabranch::python::dlpack {

inline constexpr std::int32_t device_cpu = 1, device_cuda = 2, device_cuda_managed = 13;
// The streams that Python's __dlpack__ names by number: CUDA's default streams, and none, where nothing is to wait.
inline constexpr std::int64_t stream_legacy = 1, stream_none = -1;

enum Code : std::uint8_t { Int = 0, UInt = 1, Float = 2, Bfloat = 4, Complex = 5, Bool = 6 };

struct Tensor {
  void* data;
  std::int32_t device_type, device_id;
  std::int32_t ndim;
  std::uint8_t code, bits;
  std::uint16_t lanes;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: dense row-major
  std::uint64_t byte_offset;
};

struct Managed {
  Tensor tensor;
  void* context;
  void (*deleter)(Managed*);
};

inline constexpr std::uint64_t flag_read_only = 1, flag_copied = 2;

struct ManagedVersioned {
  std::uint32_t major, minor;
  void* context;
  void (*deleter)(ManagedVersioned*);
  std::uint64_t flags;
  Tensor tensor;
};

}  // namespace anabranch::python::dlpack
