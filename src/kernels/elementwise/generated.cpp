#include "kernels/elementwise/generated.h"

#include <algorithm>
#include <vector>

namespace anabranch::kernels {

void lay_out_program(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                     std::span<const runtime::View> out, Layout& result) {
  if (program.generated == 0) return lay_out(shape, in, out, result);
  static thread_local std::vector<runtime::View> views;
  views.assign(in.begin(), in.end());
  for (std::size_t i = 0; i < views.size(); ++i)
    if (program.is_generated(i)) views[i] = {nullptr, uint32, shape, contiguous_strides(shape)};
  lay_out(shape, views, out, result);
  if (!result.shape.empty()) return;
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (!program.is_generated(i)) continue;
    result.in[i].kind = Operand::Kind::generated;
    result.in[i].data = in[i].as<std::byte>();
    result.in[i].strides = in[i].strides;
  }
}

bool generates(const Layout& layout) {
  return std::any_of(layout.in.begin(), layout.in.end(),
                     [](const Operand& in) { return in.kind == Operand::Kind::generated; });
}

void load_words(Layout& layout, std::size_t i, void* words) {
  Operand& operand = layout.in[i];
  operand.data = static_cast<std::byte*>(words);
  if (operand.kind != Operand::Kind::generated) return;
  operand.kind = Operand::Kind::dense;
  operand.strides.clear();
}

}  // namespace anabranch::kernels
