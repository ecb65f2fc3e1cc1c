// Building and running fused programs without the layers above them.
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "kernels/elementwise/run.h"

namespace anabranch::testing {

using graph::Op;
using graph::Program;
using graph::Scalar;

// Memory of one array, 64-byte aligned, with canaries around it.
class Buffer {
 public:
  Buffer(Dtype dtype, std::size_t count)
      : dtype_(dtype), size_(count * dtype.size()), lines_((size_ + 2 * margin + sizeof(Line) - 1) / sizeof(Line)) {
    std::memset(lines_.data(), 0xa5, lines_.size() * sizeof(Line));
  }
  template <typename T>
  static Buffer of(std::span<const T> values) {
    Buffer b(TypeToDtype<T>::value, values.size());
    std::memcpy(b.data(), values.data(), values.size_bytes());
    return b;
  }
  std::byte* data() { return lines_[0].bytes + margin; }
  const std::byte* data() const { return lines_[0].bytes + margin; }
  Dtype dtype() const { return dtype_; }
  template <typename T>
  T at(std::size_t i) const {
    T value;
    std::memcpy(&value, data() + i * sizeof(T), sizeof(T));
    return value;
  }
  bool intact() const {
    for (std::size_t i = 0; i < margin; ++i) {
      if (data()[-1 - static_cast<std::ptrdiff_t>(i)] != std::byte{0xa5} || data()[size_ + i] != std::byte{0xa5})
        return false;
    }
    return true;
  }
  // Whether the elements and the canaries are the same.
  bool operator==(const Buffer& other) const {
    return size_ == other.size_ && std::memcmp(data() - margin, other.data() - margin, size_ + 2 * margin) == 0;
  }
  runtime::View view(const Shape& shape, const Strides& strides, std::int64_t offset = 0) {
    return {data() + offset * dtype_.size(), dtype_, shape, strides};
  }
  runtime::View view(const Shape& shape) { return view(shape, contiguous_strides(shape)); }

 private:
  static constexpr std::size_t margin = 128;
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  Dtype dtype_;
  std::size_t size_;
  std::vector<Line> lines_;
};

// Adds instructions; returns value numbers.
class Builder {
 public:
  Builder(std::vector<Dtype> inputs, std::vector<Scalar> constants = {}) {
    p.inputs = std::move(inputs);
    p.constants = std::move(constants);
  }
  int add(Op op, Dtype from, Dtype to, std::initializer_list<int> operands) {
    Program::Instruction instruction{op, from, to, static_cast<std::uint8_t>(operands.size()), {}};
    std::size_t j = 0;
    for (const int operand : operands) instruction.operand[j++] = static_cast<std::uint16_t>(operand);
    p.instructions.push_back(instruction);
    return static_cast<int>(p.inputs.size() + p.constants.size() + p.instructions.size()) - 1;
  }
  Builder& output(int value, Dtype dtype) {
    p.outputs.push_back({static_cast<std::uint16_t>(value), dtype});
    return *this;
  }
  Program p;
};

// Runs the program with its chunks last to first, since their order must not matter. Returns how many chunks there
// were.
inline std::size_t execute(const Program& program, const Shape& shape, const std::vector<runtime::View>& in,
                           const std::vector<runtime::View>& out) {
  runtime::Launch launch;
  kernels::run_program_cpu(program, shape, in, out, launch);
  std::size_t chunks = 0;
  for (auto& phase : launch.phases()) {
    for (std::size_t i = phase.chunks; i-- > 0;) phase.run(i);
    chunks += phase.chunks;
  }
  return chunks;
}

}  // namespace anabranch::testing
