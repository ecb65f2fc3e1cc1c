// A reduction, brought to its simplest form, and the two ways through it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "kernels/reduce/fold.h"
#include "kernels/reduce/stage.h"
#include "runtime/launch.h"

namespace anabranch::kernels {

// Axes of extent 1 are gone, neighbours are joined, the fastest in the input comes last; there is always one.
struct Reduction {
  struct Axis {
    std::int64_t extent, in, out;  // steps in bytes; along a reduced axis `out` is 0
  };
  using Axes = SmallVector<Axis, 4>;

  // Elements are converted to `load_dtype` when they are read. `ordered`: the order along reduced axes must stay.
  Reduction(FoldOp op, Dtype load_dtype, int reduced_axes, const runtime::View& from, const runtime::View& to,
            bool ordered = false);

  // Rows: one result after another, each from a sequence of elements. Columns: the elements for neighbouring results
  // lie closer to each other than those for one result, so these are folded row by row into a line of results.
  bool by_columns() const;
  bool small() const { return kept_count * reduced_count <= 16 << 10; }
  bool direct(std::int64_t step) const { return loader.same() && step == size; }

  Axes kept, reduced;
  std::int64_t kept_count, reduced_count;
  Dtype fold_dtype;  // load_dtype, but bool is uint8
  const FoldKernel* kernel;
  Loader loader;
  Storer storer;
  std::int64_t size;  // of an element that is folded
  const char* in;
  char* out;
};

// Walks a range of the row-major positions of some axes, in runs along the last of them.
class Walk {
 public:
  Walk(const Reduction::Axes& axes, std::int64_t begin, std::int64_t end)
      : axes_(axes), left_(end - begin), at_(axes.size()) {
    for (std::size_t i = axes.size(); i-- > 0;) {
      at_[i] = begin % axes[i].extent;
      begin /= axes[i].extent;
      in_ += at_[i] * axes[i].in;
      out_ += at_[i] * axes[i].out;
    }
  }
  bool done() const { return left_ <= 0; }
  // Positions up to the end of this run.
  std::int64_t run() const { return std::min(left_, axes_.back().extent - at_.back()); }
  std::int64_t in() const { return in_; }
  std::int64_t out() const { return out_; }
  // Goes on by n <= run().
  void advance(std::int64_t n) {
    left_ -= n;
    std::size_t i = axes_.size() - 1;
    at_[i] += n;
    in_ += n * axes_[i].in;
    out_ += n * axes_[i].out;
    for (; at_[i] == axes_[i].extent && i > 0; --i) {
      in_ += axes_[i - 1].in - axes_[i].extent * axes_[i].in;
      out_ += axes_[i - 1].out - axes_[i].extent * axes_[i].out;
      at_[i] = 0;
      ++at_[i - 1];
    }
  }

 private:
  const Reduction::Axes& axes_;
  std::int64_t left_, in_ = 0, out_ = 0;
  SmallVector<std::int64_t, 4> at_;
};

using SharedReduction = std::shared_ptr<const Reduction>;

// Adds a phase, or does it at once.
template <typename F>
void add_phase(runtime::Launch& launch, bool at_once, std::int64_t chunks, double ns, F run) {
  if (at_once) {
    for (std::int64_t i = 0; i < chunks; ++i) run(static_cast<std::size_t>(i));
  } else {
    launch.parallel(static_cast<std::size_t>(chunks), ns, std::move(run));
  }
}

// What elements of a dtype are computed in: float32 for 16-bit floats.
Dtype computing_dtype(Dtype d);

void reduce_rows(SharedReduction r, runtime::Launch& launch);
void reduce_columns(SharedReduction r, runtime::Launch& launch);

}  // namespace anabranch::kernels
