#include <memory>
#include <vector>

#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/indexing/copy.h"

namespace anabranch::kernels {
namespace {

// Pieces of the copies, in order, and where each chunk of about a quarter of a megabyte begins: many small operands
// share a chunk, large ones are spread over several.
struct Pieces {
  struct Piece {
    std::uint32_t plan, piece;
  };
  std::vector<CopyPlan> plans;
  std::vector<Piece> pieces;
  std::vector<std::size_t> chunk_begins;

  void run(std::size_t chunk) const {
    for (std::size_t i = chunk_begins[chunk]; i < chunk_begins[chunk + 1]; ++i) {
      plans[pieces[i].plan].run(pieces[i].piece);
    }
  }
};

constexpr std::size_t bytes_per_chunk = 256 << 10;
constexpr std::size_t bytes_at_once = 32 << 10;

}  // namespace

void concatenate_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const auto axis = static_cast<std::size_t>(call.attrs<graph::ConcatenateAttrs>().axis);
  const runtime::View& out = call.out[0];
  const std::size_t itemsize = out.dtype.size();
  const Strides strides = contiguous_strides(out.shape);
  auto work = std::make_shared<Pieces>();
  work->plans.reserve(call.in.size());
  char* to = out.as<char>();
  std::size_t bytes = 0;
  for (const runtime::View& in : call.in) {
    const CopyPlan& plan = work->plans.emplace_back(to, strides, in.data, in.strides, in.shape, itemsize);
    to += in.shape[axis] * strides[axis] * static_cast<std::int64_t>(itemsize);
    for (std::size_t i = 0; i < plan.pieces(); ++i) {
      if (bytes == 0) work->chunk_begins.push_back(work->pieces.size());
      work->pieces.push_back({static_cast<std::uint32_t>(work->plans.size() - 1), static_cast<std::uint32_t>(i)});
      bytes += plan.piece_bytes();
      if (bytes >= bytes_per_chunk) bytes = 0;
    }
  }
  if (work->pieces.empty()) return;
  const std::size_t chunks = work->chunk_begins.size();
  work->chunk_begins.push_back(work->pieces.size());
  if (chunks == 1 && bytes != 0 && bytes <= bytes_at_once) {
    work->run(0);
    return;
  }
  launch.parallel(chunks, 0.1 * bytes_per_chunk, [work](std::size_t chunk) { work->run(chunk); });
}

}  // namespace anabranch::kernels
