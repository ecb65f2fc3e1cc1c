// Random fused programs over operands in random layouts.
#pragma once

#include <algorithm>
#include <array>
#include <random>

#include "kernels/elementwise_support.h"

namespace anabranch::testing {

// Operand bytes that are fit for any dtype: small numbers.
inline Buffer random_buffer(Dtype d, std::size_t count, std::mt19937& random) {
  Buffer b(d, count);
  for (std::size_t i = 0; i < count; ++i) {
    const Scalar s =
        Scalar::of_float(static_cast<double>(random() % 2001) / 500 - (kindof(d) == Dtype::Kind::u ? 0 : 2), d);
    s.store(b.data() + i * d.size());
  }
  return b;
}

inline constexpr Op float_ops[] = {Op::Add,  Op::Subtract, Op::Multiply, Op::Maximum, Op::Divide, Op::Exp,  Op::Sin,
                                   Op::Tanh, Op::Negative, Op::Square,   Op::Floor,   Op::Erf,    Op::Sqrt, Op::Log1p};
inline constexpr Op integer_ops[] = {Op::Add,      Op::Subtract,   Op::Multiply,   Op::Maximum,   Op::Minimum,
                                     Op::Negative, Op::BitwiseXor, Op::BitwiseAnd, Op::Remainder, Op::Abs};

// A random program over values of the given dtypes, with conversions, comparisons and choices in between.
inline Program random_program(std::vector<Dtype> inputs, int length, std::mt19937& random) {
  Builder b(inputs, {Scalar::of_float(0.5, float32), Scalar::of_float(0.75, bfloat16), Scalar::of_int(3, int32),
                     Scalar::of_float(1.5, float16)});
  std::vector<Dtype> dtypes = inputs;
  for (const Scalar& s : b.p.constants) dtypes.push_back(s.dtype);
  const auto any = [&](auto&& fits) {
    for (;;) {
      const int v = static_cast<int>(random() % dtypes.size());
      if (fits(dtypes[static_cast<std::size_t>(v)])) return v;
    }
  };
  for (int k = 0; k < length; ++k) {
    const int newest = static_cast<int>(dtypes.size()) - 1;
    const bool goes_on = random() % 2 && dtypes.back() != bool_;
    const int first = goes_on ? newest : any([](Dtype d) { return d != bool_; });
    const Dtype d = dtypes[static_cast<std::size_t>(first)];
    const int second = any([&](Dtype e) { return e == d; });
    const bool is_float = issubdtype(d, inexact);
    switch (random() % 6) {
      case 0: {
        const Dtype to = std::array{float32, bfloat16, float16, int32, float64, int8}[random() % 6];
        b.add(Op::AsType, d, to, {first});
        dtypes.push_back(to);
        break;
      }
      case 1: {
        const int condition = b.add(random() % 2 ? Op::Less : Op::NotEqual, d, bool_, {first, second});
        b.add(Op::Select, d, d, {condition, second, first});
        dtypes.push_back(bool_);
        dtypes.push_back(d);
        break;
      }
      default: {
        const Op op =
            is_float ? float_ops[random() % std::size(float_ops)] : integer_ops[random() % std::size(integer_ops)];
        if (graph::is_binary(op)) b.add(op, d, d, {first, second});
        else b.add(op, d, d, {first});
        dtypes.push_back(d);
      }
    }
  }
  const int last = static_cast<int>(dtypes.size()) - 1;
  b.output(last, dtypes.back());
  for (int extra = static_cast<int>(random() % 3); extra > 0; --extra) {
    const int v = static_cast<int>(random() % dtypes.size());
    b.output(v, dtypes[static_cast<std::size_t>(v)]);
  }
  return b.p;
}

struct RandomCall {
  Shape shape;
  Program program;
  std::vector<Buffer> buffers;
  std::vector<runtime::View> in;

  explicit RandomCall(unsigned seed) {
    std::mt19937 random(seed);
    const std::vector<Shape> shapes = {{1},       {63},     {64},        {1000},        {5000}, {3, 5},
                                       {70, 130}, {130, 3}, {4, 40, 33}, {2, 3, 1, 67}, {}};
    shape = shapes[random() % shapes.size()];
    const std::vector<Dtype> dtypes = {float32, bfloat16, int32, float16, float64, float32};
    std::vector<Dtype> inputs(dtypes.begin(), dtypes.begin() + 1 + static_cast<int>(random() % dtypes.size()));
    program = random_program(inputs, 1 + static_cast<int>(random() % 30), random);
    for (const Dtype d : inputs) add_operand(d, random);
  }

 private:
  // Axes in any order, some broadcast, some reversed or with gaps.
  void add_operand(Dtype d, std::mt19937& random) {
    const std::size_t rank = shape.size();
    std::vector<std::size_t> order(rank);
    for (std::size_t k = 0; k < rank; ++k) order[k] = k;
    if (random() % 2) std::shuffle(order.begin(), order.end(), random);
    Strides strides(rank, 0);
    std::int64_t extent = 1 + static_cast<std::int64_t>(random() % 4 == 0), offset = 0;
    for (std::size_t j = rank; j-- > 0;) {
      const std::size_t k = order[j];
      if (random() % 5 == 0) continue;
      strides[k] = extent;
      if (random() % 6 == 0) {
        offset += extent * (shape[k] - 1);
        strides[k] = -extent;
      }
      extent *= shape[k];
    }
    buffers.push_back(random_buffer(d, static_cast<std::size_t>(2 * extent + 1), random));
    in.push_back(buffers.back().view(shape, strides, offset));
  }
};

}  // namespace anabranch::testing
