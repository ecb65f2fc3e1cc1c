// Fused programs have the bits of their instructions run one by one, in any layout, and touch no memory but their own.
#include <gtest/gtest.h>

#include "kernels/random_programs.h"

namespace anabranch {
namespace {

using namespace testing;

// Element `index` of a view, wherever it lies, copied to a dense buffer.
Buffer dense_copy(const runtime::View& v) {
  const std::size_t count = static_cast<std::size_t>(element_count(v.shape));
  Buffer b(v.dtype, count);
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i), offset = 0;
    for (std::size_t k = v.shape.size(); k-- > 0; rest /= v.shape[k]) offset += rest % v.shape[k] * v.strides[k];
    std::memcpy(b.data() + i * v.dtype.size(), v.as<std::byte>() + offset * v.dtype.size(), v.dtype.size());
  }
  return b;
}

// The program's outputs, each instruction run as a program of its own over dense operands.
std::vector<Buffer> unfused(const Program& p, const Shape& shape, const std::vector<runtime::View>& in) {
  const std::size_t count = static_cast<std::size_t>(element_count(shape));
  std::vector<Buffer> values;
  for (const auto& view : in) values.push_back(dense_copy(view));
  for (const Scalar& s : p.constants) {
    values.emplace_back(s.dtype, count);
    for (std::size_t i = 0; i < count; ++i) s.store(values.back().data() + i * s.dtype.size());
  }
  for (const auto& instruction : p.instructions) {
    std::vector<Dtype> dtypes;
    std::vector<runtime::View> views;
    Builder b({});
    for (int j = 0; j < instruction.operands; ++j) {
      Buffer& operand = values[instruction.operand[j]];
      b.p.inputs.push_back(operand.dtype());
      views.push_back(operand.view(shape));
    }
    auto single = instruction;
    for (int j = 0; j < instruction.operands; ++j) single.operand[j] = static_cast<std::uint16_t>(j);
    b.p.instructions.push_back(single);
    b.output(instruction.operands, instruction.to);
    Buffer result(instruction.to, count);
    execute(b.p, shape, views, {result.view(shape)});
    values.push_back(std::move(result));
  }
  std::vector<Buffer> outputs;
  for (const auto& output : p.outputs) outputs.push_back(values[output.value]);
  return outputs;
}

void expect_fused_is_unfused(const Program& p, const Shape& shape, const std::vector<runtime::View>& in) {
  const std::vector<Buffer> expected = unfused(p, shape, in);
  std::vector<Buffer> got;
  std::vector<runtime::View> views;
  for (const auto& output : p.outputs) got.emplace_back(output.dtype, static_cast<std::size_t>(element_count(shape)));
  for (Buffer& b : got) views.push_back(b.view(shape));
  execute(p, shape, in, views);
  for (std::size_t o = 0; o < got.size(); ++o)
    EXPECT_EQ(got[o], expected[o]) << "output " << o << " over " << to_string(shape);
}

TEST(FusedProgram, RandomProgramsOverRandomLayouts) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    RandomCall call(seed);
    expect_fused_is_unfused(call.program, call.shape, call.in);
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

// Every transposed tile shape that can occur: whole tiles, rests in both directions.
TEST(FusedProgram, TransposedOperands) {
  std::mt19937 random(7);
  for (const Dtype d : {uint8, bfloat16, float32, float64}) {
    for (const auto& [rows, columns] : {std::pair{8, 8}, {32, 64}, {33, 65}, {100, 17}, {257, 300}}) {
      const Shape shape{rows, columns};
      Buffer a = random_buffer(d, static_cast<std::size_t>(rows * columns), random);
      Buffer b = random_buffer(d, static_cast<std::size_t>(rows * columns), random);
      Builder p({d, d});
      p.output(p.add(Op::Subtract, d, d, {0, 1}), d);
      expect_fused_is_unfused(p.p, shape, {a.view(shape, {1, rows}), b.view(shape)});
    }
  }
}

// Outputs so large that they are stored past the caches; of the values, one is an input that begins anywhere.
TEST(FusedProgram, LargeOutputs) {
  std::mt19937 random(19);
  const ShapeElem n = 2200001;
  for (const Dtype d : {float32, bfloat16}) {
    Buffer a = random_buffer(d, static_cast<std::size_t>(n) + 1, random);
    Builder p({d});
    p.output(p.add(Op::Negative, d, d, {0}), d).output(0, d);
    expect_fused_is_unfused(p.p, {n}, {a.view({n}, {1}, 1)});
    Buffer b = random_buffer(d, static_cast<std::size_t>(n), random);
    Builder sum({d, d});
    sum.output(sum.add(Op::Subtract, d, d, {0, 1}), d);
    expect_fused_is_unfused(sum.p, {n}, {a.view({n}, {1}, 1), b.view({n})});
  }
}

TEST(FusedProgram, LargeDomainsAreCutIntoChunks) {
  std::mt19937 random(11);
  const Shape shape{1200007};
  Buffer a = random_buffer(float32, 1200007, random), b = random_buffer(float32, 1200007, random);
  Builder p({float32, float32});
  const int product = p.add(Op::Multiply, float32, float32, {0, 1});
  p.output(p.add(Op::Add, float32, float32, {product, 0}), float32);
  Buffer out(float32, 1200007);
  EXPECT_GT(execute(p.p, shape, {a.view(shape), b.view(shape)}, {out.view(shape)}), 1u);
  EXPECT_TRUE(out.intact());
  for (std::size_t i = 0; i < 1200007; i += 997) {
    const float x = a.at<float>(i) * b.at<float>(i);
    EXPECT_EQ(out.at<float>(i), x + a.at<float>(i));
  }
  const Shape square{1003, 999};
  Buffer c = random_buffer(float32, 1003 * 999, random);
  expect_fused_is_unfused(p.p, square, {c.view(square, {1, 1003}), a.view(square)});
}

// An output in an input's place, whether the input is needed after the output is computed or not.
TEST(FusedProgram, OutputInPlaceOfAnInput) {
  std::mt19937 random(13);
  for (const Dtype d : {float32, bfloat16, int8}) {
    for (const ShapeElem n : {1, 64, 100, 3000}) {
      const Shape shape{n};
      for (const bool needed_later : {false, true}) {
        Buffer a = random_buffer(d, static_cast<std::size_t>(n), random),
               b = random_buffer(d, static_cast<std::size_t>(n), random);
        Builder p({d, d});
        const int sum = p.add(Op::Add, d, d, {0, 1});
        const int other = p.add(Op::Multiply, d, d, {needed_later ? 0 : 1, sum});
        p.output(sum, d).output(other, d);
        const std::vector<Buffer> expected = unfused(p.p, shape, {a.view(shape), b.view(shape)});
        Buffer second(d, static_cast<std::size_t>(n));
        execute(p.p, shape, {a.view(shape), b.view(shape)}, {a.view(shape), second.view(shape)});
        EXPECT_EQ(a, expected[0]);
        EXPECT_EQ(second, expected[1]);
      }
    }
  }
}

TEST(FusedProgram, OutputsThatAreInputsConstantsOrUniform) {
  std::mt19937 random(17);
  const Shape shape{70, 3};
  Buffer a = random_buffer(bfloat16, 210, random), b = random_buffer(float32, 1, random);
  Builder p({bfloat16, float32}, {Scalar::of_float(2.5, float32), Scalar::of_int(7, int16)});
  const int wide = p.add(Op::AsType, bfloat16, float32, {0});
  const int twice = p.add(Op::Multiply, float32, float32, {1, 2});
  const int full = p.add(Op::Full, int16, int16, {3});
  p.output(0, bfloat16)
      .output(wide, float32)
      .output(twice, float32)
      .output(full, int16)
      .output(wide, float32)
      .output(1, float32);
  expect_fused_is_unfused(p.p, shape, {a.view(shape), b.view(shape, {0, 0})});
}

// Neighbouring additions, subtractions and multiplications of float32 are one pass; each still rounds by itself.
TEST(FusedProgram, PairsOfOperations) {
  std::mt19937 random(29);
  constexpr Op ops[] = {Op::Add, Op::Subtract, Op::Multiply};
  const Shape shape{333};
  std::vector<Buffer> buffers;
  std::vector<runtime::View> views;
  for (int i = 0; i < 3; ++i) buffers.push_back(random_buffer(float32, 333, random));
  for (Buffer& b : buffers) views.push_back(b.view(shape));
  for (const Op first : ops) {
    for (const Op second : ops) {
      for (const bool swapped : {false, true}) {
        for (const int other : {0, 1, 2}) {
          Builder p({float32, float32, float32});
          const int inner = p.add(first, float32, float32, {0, 1});
          const int both = swapped ? p.add(second, float32, float32, {other, inner})
                                   : p.add(second, float32, float32, {inner, other});
          p.output(p.add(Op::Subtract, float32, float32, {both, 2}), float32);
          expect_fused_is_unfused(p.p, shape, views);
        }
      }
    }
  }
}

// A 16-bit float that leaves as float32 has been rounded all the same.
TEST(FusedProgram, WidenedOutputs) {
  std::mt19937 random(23);
  const Shape shape{100};
  Buffer a = random_buffer(bfloat16, 100, random), b = random_buffer(bfloat16, 100, random);
  Builder p({bfloat16, bfloat16});
  const int product = p.add(Op::Multiply, bfloat16, bfloat16, {0, 1});
  p.output(p.add(Op::AsType, bfloat16, float32, {product}), float32);
  expect_fused_is_unfused(p.p, shape, {a.view(shape), b.view(shape)});
}

TEST(FusedProgram, EmptyDomain) {
  Buffer a(float32, 1);
  Builder p({float32});
  p.output(p.add(Op::Exp, float32, float32, {0}), float32);
  EXPECT_EQ(execute(p.p, {0, 3}, {a.view({0, 3})}, {a.view({0, 3})}), 0u);
  EXPECT_TRUE(a.intact());
}

TEST(FusedProgram, AnOperationThatLacksTheDtypeSaysSo) {
  Buffer a(complex64, 1);
  Builder p({complex64});
  p.output(p.add(Op::Erf, complex64, complex64, {0}), complex64);
  try {
    execute(p.p, {1}, {a.view({1})}, {a.view({1})});
    FAIL() << "no exception";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "[erf] Not supported for complex64.");
  }
}

// Operations that share a pass: a lead (or none), two of the arithmetic ones, on either side, over inputs of which some
// are the same along long rows.
TEST(FusedProgram, PassesOfSeveralOperations) {
  std::mt19937 random(3);
  const Shape shape{5, 333};
  for (const Dtype d : {float32, bfloat16}) {
    Buffer dense = random_buffer(d, 5 * 333, random), row = random_buffer(d, 333, random),
           column = random_buffer(d, 5, random);
    const std::vector<runtime::View> layouts[] = {
        {dense.view(shape), dense.view(shape), dense.view(shape)},
        {dense.view(shape), row.view(shape, {0, 1}), column.view(shape, {1, 0})},
        {column.view(shape, {1, 0}), dense.view(shape), row.view(shape, {0, 1})},
        {row.view(shape, {0, 1}), column.view(shape, {1, 0}), dense.view(shape)},
        {column.view(shape, {1, 0}), column.view(shape, {0, 0}), column.view(shape, {1, 0})}};
    for (const auto& views : layouts) {
      for (const Op lead : {Op::Negative, Op::Sqrt, Op::Tanh, Op::Exp}) {
        for (const Op first : {Op::Add, Op::Subtract, Op::Multiply}) {
          for (const Op second : {Op::Add, Op::Subtract, Op::Multiply}) {
            for (int sides = 0; sides < 4; ++sides) {
              for (const bool led : {false, true}) {
                Builder b({d, d, d});
                const int a = led ? b.add(lead, d, d, {0}) : 0;
                const int inner = sides & 1 ? b.add(first, d, d, {1, a}) : b.add(first, d, d, {a, 1});
                const int outer = sides & 2 ? b.add(second, d, d, {2, inner}) : b.add(second, d, d, {inner, 2});
                b.output(outer, d);
                expect_fused_is_unfused(b.p, shape, views);
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace anabranch
