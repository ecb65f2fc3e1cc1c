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

// Memory of one array, with canaries around it.
class Buffer {
 public:
  Buffer(Dtype dtype, std::size_t count) : dtype_(dtype), bytes_(count * dtype.size() + 2 * margin, std::byte{0xa5}) {}
  template <typename T>
  static Buffer of(std::span<const T> values) {
    Buffer b(TypeToDtype<T>::value, values.size());
    std::memcpy(b.data(), values.data(), values.size_bytes());
    return b;
  }
  std::byte* data() { return bytes_.data() + margin; }
  Dtype dtype() const { return dtype_; }
  std::size_t size() const { return bytes_.size() - 2 * margin; }
  template <typename T>
  T at(std::size_t i) const {
    T value;
    std::memcpy(&value, bytes_.data() + margin + i * sizeof(T), sizeof(T));
    return value;
  }
  bool intact() const {
    for (std::size_t i = 0; i < margin; ++i) {
      if (bytes_[i] != std::byte{0xa5} || bytes_[bytes_.size() - 1 - i] != std::byte{0xa5}) return false;
    }
    return true;
  }
  bool operator==(const Buffer& other) const { return bytes_ == other.bytes_; }
  runtime::View view(const Shape& shape, const Strides& strides, std::int64_t offset = 0) {
    return {data() + offset * dtype_.size(), dtype_, shape, strides};
  }
  runtime::View view(const Shape& shape) { return view(shape, contiguous_strides(shape)); }

 private:
  static constexpr std::size_t margin = 128;
  Dtype dtype_;
  std::vector<std::byte> bytes_;
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

// Runs the program with its chunks last to first, since their order must not matter. Returns how many chunks there were.
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
