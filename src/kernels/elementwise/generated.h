// The layout of programs with operands that they generate (graph::Program::generated).
#pragma once

#include <span>

#include "graph/program.h"
#include "kernels/elementwise/layout.h"

namespace anabranch::kernels {

// As lay_out(), but a generated operand's view is that of its key. It becomes an operand of the kind generated where a
// kernel can be one that generates: where all others are dense or uniform. Elsewhere it is laid out as the words that
// are to be loaded in its place: see load_words().
void lay_out_program(const graph::Program& program, const Shape& shape, std::span<const runtime::View> in,
                     std::span<const runtime::View> out, Layout& result);

// Whether there are operands of the kind generated.
bool generates(const Layout& layout);

// Has operand i loaded from memory, where its words are.
void load_words(Layout& layout, std::size_t i, void* words);

}  // namespace anabranch::kernels
