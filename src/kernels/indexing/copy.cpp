#include "kernels/indexing/copy.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/cpu_kernels.h"
#include "kernels/indexing/stream_store.h"
#include "kernels/indexing/transpose.h"

namespace anabranch::kernels {
namespace {

constexpr std::int64_t bytes_per_piece = 256 << 10;
// From here on a copy's result would push everything else out of the private caches.
constexpr std::int64_t bytes_worth_streaming = 8 << 20;
constexpr std::size_t bytes_at_once = 32 << 10;
constexpr double ns_per_byte = 0.1;

void copy_run(char* dst, const char* src, std::size_t bytes, bool stream) {
  stream ? stream_run(dst, src, bytes) : static_cast<void>(std::memcpy(dst, src, bytes));
}

template <std::size_t Size>
void copy_strided(char* dst, std::int64_t dst_step, const char* src, std::int64_t src_step, std::int64_t n) {
  if (dst_step == static_cast<std::int64_t>(Size)) {
    if (src_step == 0) {
      std::array<char, Size> item;
      std::memcpy(item.data(), src, Size);
      for (std::int64_t i = 0; i < n; ++i) std::memcpy(dst + i * static_cast<std::int64_t>(Size), item.data(), Size);
      return;
    }
    for (std::int64_t i = 0; i < n; ++i)
      std::memcpy(dst + i * static_cast<std::int64_t>(Size), src + i * src_step, Size);
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) std::memcpy(dst + i * dst_step, src + i * src_step, Size);
}

void copy_strided(char* dst, std::int64_t dst_step, const char* src, std::int64_t src_step, std::int64_t n,
                  std::size_t itemsize) {
  switch (itemsize) {
    case 1: return copy_strided<1>(dst, dst_step, src, src_step, n);
    case 2: return copy_strided<2>(dst, dst_step, src, src_step, n);
    case 4: return copy_strided<4>(dst, dst_step, src, src_step, n);
    case 8: return copy_strided<8>(dst, dst_step, src, src_step, n);
    default: return copy_strided<16>(dst, dst_step, src, src_step, n);
  }
}

}  // namespace

CopyPlan::CopyPlan(void* dst, const Strides& dst_strides, const void* src, const Strides& src_strides,
                   const Shape& shape, std::size_t itemsize, UpdateRun update)
    : dst_(static_cast<char*>(dst)), src_(static_cast<const char*>(src)), itemsize_(itemsize), update_(update) {
  const auto size = static_cast<std::int64_t>(itemsize);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) {
      pieces_ = 0;
      return;
    }
    if (shape[i] > 1) axes_.push_back({shape[i], dst_strides[i] * size, src_strides[i] * size, shape[i]});
  }
  simplify();
  if (update_) {
    kind_ = Kind::Update;
  } else {
    widen();
    choose_kind();
  }
  choose_blocks();
}

// Positive steps through the destination, its slowest axis first, axes joined where both sides step evenly over them.
void CopyPlan::simplify() {
  for (Axis& a : axes_) {
    if (a.dst > 0) continue;
    dst_ += a.dst * (a.extent - 1);
    src_ += a.src * (a.extent - 1);
    a.dst = -a.dst;
    a.src = -a.src;
  }
  std::stable_sort(axes_.begin(), axes_.end(), [](const Axis& a, const Axis& b) { return a.dst > b.dst; });
  SmallVector<Axis, 6> joined;
  for (const Axis& a : axes_) {
    if (!joined.empty() && joined.back().dst == a.dst * a.extent && joined.back().src == a.src * a.extent) {
      joined.back() = {joined.back().extent * a.extent, a.dst, a.src, 0};
    } else {
      joined.push_back(a);
    }
  }
  axes_ = std::move(joined);
}

// A short dense run is one wider item.
void CopyPlan::widen() {
  if (axes_.size() < 2) return;
  const auto size = static_cast<std::int64_t>(itemsize_);
  const Axis& last = axes_.back();
  const std::int64_t bytes = last.extent * size;
  if (last.dst != size || last.src != size || !(bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16)) return;
  itemsize_ = static_cast<std::size_t>(bytes);
  axes_.pop_back();
}

void CopyPlan::choose_kind() {
  const auto size = static_cast<std::int64_t>(itemsize_);
  if (axes_.empty()) return;
  if (axes_.back().dst == size && axes_.back().src == size) return;
  kind_ = Kind::Strided;
  if (axes_.back().dst != size || itemsize_ > 8 || axes_.back().extent < 4) return;
  for (std::size_t i = 0; i + 1 < axes_.size(); ++i) {
    if (axes_[i].src != size || axes_[i].extent < 4) continue;
    std::rotate(axes_.begin() + i, axes_.begin() + i + 1, axes_.end() - 1);
    kind_ = Kind::Transposed;
    return;
  }
}

void CopyPlan::choose_blocks() {
  std::int64_t total = static_cast<std::int64_t>(itemsize_);
  for (const Axis& a : axes_) total *= a.extent;
  stream_ = kind_ != Kind::Strided && kind_ != Kind::Update && total >= bytes_worth_streaming;
  std::int64_t budget = std::max<std::int64_t>(1, bytes_per_piece / static_cast<std::int64_t>(itemsize_));
  std::size_t left = axes_.size();
  if (kind_ == Kind::Transposed) {
    // Squares, so that few pages of either side are open at once; a short side makes the other longer.
    std::int64_t side = 64;
    while (side * side * 4 <= budget) side *= 2;
    Axis& a = axes_[left - 2];
    Axis& b = axes_[left - 1];
    a.block = std::min(a.extent, side);
    b.block = std::min(b.extent, std::max<std::int64_t>(side, budget / a.block / 64 * 64));
    a.block = std::min(a.extent, std::max<std::int64_t>(side, budget / b.block / 64 * 64));
    budget = std::max<std::int64_t>(1, budget / (a.block * b.block));
    left -= 2;
  }
  while (left-- > 0) {
    axes_[left].block = std::min(axes_[left].extent, budget);
    budget = std::max<std::int64_t>(1, budget / axes_[left].block);
  }
  piece_bytes_ = itemsize_;
  for (const Axis& a : axes_) {
    piece_bytes_ *= static_cast<std::size_t>(a.block);
    pieces_ *= static_cast<std::size_t>((a.extent + a.block - 1) / a.block);
  }
}

void CopyPlan::run(std::size_t piece, std::int64_t dst_offset, std::int64_t src_offset) const {
  char* dst = dst_ + dst_offset;
  const char* src = src_ + src_offset;
  SmallVector<std::int64_t, 6> extent(axes_.size()), at(axes_.size());
  for (std::size_t i = axes_.size(); i-- > 0;) {
    const Axis& a = axes_[i];
    const auto blocks = static_cast<std::size_t>((a.extent + a.block - 1) / a.block);
    const auto from = static_cast<std::int64_t>(piece % blocks) * a.block;
    piece /= blocks;
    extent[i] = std::min(a.block, a.extent - from);
    dst += from * a.dst;
    src += from * a.src;
  }
  const std::size_t inner = kind_ == Kind::Transposed ? 2 : std::min<std::size_t>(1, axes_.size());
  const std::size_t outer = axes_.size() - inner;
  for (;;) {
    if (kind_ == Kind::Update) {
      inner ? update_(dst, axes_[outer].dst, src, axes_[outer].src, extent[outer]) : update_(dst, 0, src, 0, 1);
    } else if (inner == 0) {
      std::memcpy(dst, src, itemsize_);
    } else if (kind_ == Kind::Run) {
      copy_run(dst, src, static_cast<std::size_t>(extent[outer]) * itemsize_, stream_);
    } else if (kind_ == Kind::Transposed) {
      transpose(dst, axes_[outer].dst, src, axes_[outer + 1].src, extent[outer + 1], extent[outer], itemsize_, stream_);
    } else {
      copy_strided(dst, axes_[outer].dst, src, axes_[outer].src, extent[outer], itemsize_);
    }
    std::size_t i = outer;
    for (; i-- > 0;) {
      dst += axes_[i].dst;
      src += axes_[i].src;
      if (++at[i] < extent[i]) break;
      dst -= axes_[i].dst * extent[i];
      src -= axes_[i].src * extent[i];
      at[i] = 0;
    }
    if (i == static_cast<std::size_t>(-1)) break;
  }
  if (stream_) stream_fence();
}

void strided_copy(void* dst, const Strides& dst_strides, const void* src, const Strides& src_strides,
                  const Shape& shape, std::size_t itemsize) {
  CopyPlan(dst, dst_strides, src, src_strides, shape, itemsize).run_all();
}

void add_copy(runtime::Launch& launch, const CopyPlan& plan) {
  if (launch.phases().empty() && plan.pieces() * plan.piece_bytes() <= bytes_at_once) {
    plan.run_all();
    return;
  }
  launch.parallel(plan.pieces(), ns_per_byte * static_cast<double>(plan.piece_bytes()),
                  [plan](std::size_t i) { plan.run(i); });
}

void copy_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const runtime::View& in = call.in[0];
  const runtime::View& out = call.out[0];
  add_copy(launch, CopyPlan(out.data, contiguous_strides(out.shape), in.data, in.strides, in.shape, in.dtype.size()));
}

}  // namespace anabranch::kernels
