// How a compiled kernel goes over the domain of a fused program: what of the layout it is compiled for, and the
// arguments that tell it the rest.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "graph/program.h"
#include "kernels/elementwise/layout.h"

namespace anabranch::kernels {

inline constexpr std::size_t most_kernel_inputs = 16;
inline constexpr int kernel_threads = 256;

// Part of what names a kernel, so it holds only what pays: everything else is an argument.
struct KernelForm {
  enum class Kind : std::uint8_t {
    flat,     // every operand is dense or one element: the domain is a line
    halves,   // as flat, with generated operands: element i goes with the one half the domain further, as words of a
              // pair that the cipher makes at once
    rows,     // rows of the last axis, along which each operand is contiguous or the same
    strided,  // anything else: elements are found one by one
    tiles,    // an operand is transposed: squares of two axes pass through shared memory
  };
  enum class Access : std::uint8_t {
    dense,
    uniform,    // one element for the whole domain
    strided,    // rows: contiguous along rows
    repeated,   // rows: one row for all rows of the last axis but one
    along_row,  // rows: one element for each row
    transposed,
    generated,
  };
  Kind kind = Kind::flat;
  std::uint8_t axes = 0;    // of the merged domain; 0 for flat, 1 for halves
  std::uint8_t vector = 1;  // neighbouring elements that move together
  std::uint8_t unroll = 1;  // vectors, or elements of neighbouring rows, that a thread has on their way; halves: pairs
                            // of vectors that it computes one after the other
  std::uint8_t wide = 0;    // whether offsets need 64 bits
  std::uint8_t tile = 0;    // tiles: elements of a side
  std::uint8_t tile_axis = 0;
  std::uint8_t calls = 0;  // whether long functions are called, for so many copies of them would take long to compile
  std::uint8_t pairs = 0;  // whether two elements are computed at once (device/pairs.cuh)
  std::array<Access, most_kernel_inputs> in{};
  friend bool operator==(const KernelForm&, const KernelForm&) = default;
};

// The kernel's argument is `words`: the pointers of inputs and outputs, the constants as they lie in a register, then
// what the form's kind needs (generate.cpp reads what kernel_plan.cpp writes, through KernelWords).
struct KernelPlan {
  KernelForm form;
  std::vector<std::uint64_t> words;
  std::uint64_t blocks = 0;
};

// Beyond these a program is not compiled: the argument has 4 KiB.
inline constexpr std::size_t most_kernel_words = 500;

// Where the words are.
class KernelWords {
 public:
  KernelWords(const graph::Program& program, const KernelForm& form);
  std::size_t in(std::size_t i) const { return i; }
  std::size_t out(std::size_t o) const { return inputs_ + o; }
  std::size_t constant(std::size_t c) const { return inputs_ + outputs_ + c; }
  // flat, halves and strided: elements of the domain. rows: threads that have work.
  std::size_t count() const { return first_; }
  // Two words: a number to divide by. strided: the extents of axes but the first. rows: 0, the vectors of a row; 1, the
  // groups of rows of an axis; then the extents of axes before the last two but the first. tiles: 0, the tiles of a
  // row; 1, those of the tile axis; then the extents of the other axes but the first.
  std::size_t divisor(std::size_t d) const { return first_ + 1 + 2 * d; }
  std::size_t divisors() const { return divisors_; }
  // rows: the extent of the last axis but one, of the last. tiles: of the tile axis, of the last.
  std::size_t rows() const { return first_ + 1 + 2 * divisors_; }
  std::size_t columns() const { return rows() + 1; }
  // Of operand i (the output's, which are dense, follow the last input's), along an axis. halves: within its key.
  std::size_t stride(std::size_t i, std::size_t axis) const { return rows() + 2 + i * axes_ + axis; }
  std::size_t total() const { return rows() + 2 + (inputs_ + 1) * axes_; }

 private:
  std::size_t inputs_, outputs_, first_, divisors_ = 0, axes_;
};

// About how many instructions of the device an operation takes, in tens.
int weight_of(graph::Op op, graph::Lane lane);
inline constexpr int called_weight = 8;  // of functions that may be called

// Whether kernels can be compiled for the program.
bool can_be_compiled(const graph::Program& program, const Layout& layout);
// `processors`: the device's multiprocessors.
void plan_kernel(const graph::Program& program, const Layout& layout, int processors, KernelPlan& plan);

}  // namespace anabranch::kernels
