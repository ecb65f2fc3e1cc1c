// The interpreter of fused programs: what one thread does. Slots lie in shared memory, or in global memory where that
// is too small: element e of a thread's slot s is at ((s * elements + e) * threads + thread) * width.
#pragma once

#include "graph/program.h"
#include "kernels/elementwise/interpreted.h"
#include "transcendental.cuh"

namespace anabranch::kernels::device {

using graph::Lane;
using graph::Op;

// An operand or a result: this thread's first element, and the bytes from one to the next.
struct Site {
  char* at;
  int step;
};

template <typename T>
ANABRANCH_DEVICE T read(const char* from) {
#ifdef __CUDACC__
  return *reinterpret_cast<const T*>(from);
#else
  T value;
  __builtin_memcpy(&value, from, sizeof(T));
  return value;
#endif
}
template <typename T>
ANABRANCH_DEVICE void write(char* to, T value) {
#ifdef __CUDACC__
  *reinterpret_cast<T*>(to) = value;
#else
  __builtin_memcpy(to, &value, sizeof(T));
#endif
}

// Short loops: what is dispatched once is done for all elements, and the code stays small.
template <typename F>
ANABRANCH_DEVICE void for_elements(F&& f) {
  ANABRANCH_ROLLED
  for (int e = 0; e < interpreted_elements; ++e) f(e);
}

template <typename F, typename T>
ANABRANCH_DEVICE void unary(Site a, Site out) {
  if constexpr (requires { F::of(T()); }) {
    for_elements([&](int e) { write(out.at + e * out.step, F::of(read<T>(a.at + e * a.step))); });
  }
}
template <typename F, typename T>
ANABRANCH_DEVICE void binary(Site a, Site b, Site out) {
  if constexpr (requires { F::of(T(), T()); }) {
    for_elements(
        [&](int e) { write(out.at + e * out.step, F::of(read<T>(a.at + e * a.step), read<T>(b.at + e * b.step))); });
  }
}

template <typename T>
ANABRANCH_CALL void compute(int op, Site a, Site b, Site out) {
  switch (static_cast<Op>(op)) {
#define ANABRANCH_CASE(Opcode, ...) \
  case Op::Opcode: unary<Opcode, T>(a, out); break;
    ANABRANCH_UNARY_OPS(ANABRANCH_CASE)
#undef ANABRANCH_CASE
#define ANABRANCH_CASE(Opcode, ...) \
  case Op::Opcode: binary<Opcode, T>(a, b, out); break;
    ANABRANCH_BINARY_OPS(ANABRANCH_CASE)
#undef ANABRANCH_CASE
    default: break;
  }
}

// Calls f with a value of the lane's type.
template <typename F>
ANABRANCH_DEVICE void by_lane(int lane, F&& f) {
  switch (static_cast<Lane>(lane)) {
    case Lane::b8: f(b8()); break;
    case Lane::u8: f(u8()); break;
    case Lane::u16: f(u16()); break;
    case Lane::u32: f(u32()); break;
    case Lane::u64: f(u64()); break;
    case Lane::i8: f(i8()); break;
    case Lane::i16: f(i16()); break;
    case Lane::i32: f(i32()); break;
    case Lane::i64: f(i64()); break;
    case Lane::f32: f(f32()); break;
    case Lane::f64: f(f64()); break;
    default: f(c64()); break;
  }
}

template <typename From>
ANABRANCH_CALL void convert(int to, Site a, Site out) {
  by_lane(to, [&](auto lane) {
    using To = decltype(lane);
    for_elements([&](int e) { write(out.at + e * out.step, converted<To>(read<From>(a.at + e * a.step))); });
  });
}

template <typename T>
ANABRANCH_DEVICE void select(Site condition, Site a, Site b, Site out) {
  for_elements([&](int e) {
    const bool first = read<bool>(condition.at + e * condition.step);
    write(out.at + e * out.step, read<T>(first ? a.at + e * a.step : b.at + e * b.step));
  });
}

// The offset, in elements, of element i of the domain.
template <typename Index>
ANABRANCH_DEVICE i64 offset_of(Index i, const i64* extents, const i64* strides, int axes) {
  i64 offset = 0;
  for (int a = axes - 1; a > 0; --a) {
    const Index extent = static_cast<Index>(extents[a]), rest = i / extent;
    offset += static_cast<i64>(i - rest * extent) * strides[a];
    i = rest;
  }
  return offset + static_cast<i64>(i) * strides[0];
}

// An element of memory as it lies in a slot.
ANABRANCH_DEVICE void load_element(const char* from, int dtype, char* to) {
  switch (static_cast<Dtype::Val>(dtype)) {
    case Dtype::Val::bool_: return write(to, read<u8>(from) != 0);
    case Dtype::Val::uint8:
    case Dtype::Val::int8: return write(to, read<u8>(from));
    case Dtype::Val::uint16:
    case Dtype::Val::int16: return write(to, read<u16>(from));
    case Dtype::Val::float16: return write(to, from_float16(read<u16>(from)));
    case Dtype::Val::bfloat16: return write(to, from_bfloat16(read<u16>(from)));
    case Dtype::Val::uint32:
    case Dtype::Val::int32:
    case Dtype::Val::float32: return write(to, read<u32>(from));
    default: return write(to, read<u64>(from));
  }
}
ANABRANCH_DEVICE void store_element(const char* from, int dtype, char* to) {
  switch (static_cast<Dtype::Val>(dtype)) {
    case Dtype::Val::bool_:
    case Dtype::Val::uint8:
    case Dtype::Val::int8: return write(to, read<u8>(from));
    case Dtype::Val::uint16:
    case Dtype::Val::int16: return write(to, read<u16>(from));
    case Dtype::Val::float16: return write(to, float16_bits(read<f32>(from)));
    case Dtype::Val::bfloat16: return write(to, bfloat16_bits(read<f32>(from)));
    case Dtype::Val::uint32:
    case Dtype::Val::int32:
    case Dtype::Val::float32: return write(to, read<u32>(from));
    default: return write(to, read<u64>(from));
  }
}

// Runs the program in `words` on this thread's elements of the `threads * interpreted_elements` that begin with
// `first`.
ANABRANCH_DEVICE void interpret(const std::uint64_t* words, char* slots, int thread, int threads, i64 first) {
  const InterpretedHeader& header = *reinterpret_cast<const InterpretedHeader*>(words);
  const InterpretedStep* steps = reinterpret_cast<const InterpretedStep*>(words + header.steps_at);
  const int width = header.width, step_bytes = threads * width;
  const auto site = [&](unsigned operand) {
    if (operand & interpreted_constant) {
      const std::uint64_t* constant = words + header.constants_at + (operand & ~interpreted_constant);
      return Site{reinterpret_cast<char*>(const_cast<std::uint64_t*>(constant)), 0};
    }
    return Site{slots + static_cast<i64>(operand) * interpreted_elements * step_bytes + thread * width, step_bytes};
  };
  const i64 begin = first + thread;
  for (int k = 0; k < header.steps; ++k) {
    const InterpretedStep step = steps[k];
    const Site out = site(step.out);
    switch (step.kind) {
      case InterpretedStep::Kind::load: {
        const InterpretedInput input = reinterpret_cast<const InterpretedInput*>(words + header.inputs_at)[step.in[0]];
        const i64* extents = reinterpret_cast<const i64*>(words + header.extents_at);
        const i64* strides = reinterpret_cast<const i64*>(words + header.strides_at) + step.in[0] * header.axes;
        for_elements([&](int e) {
          const i64 i = begin + static_cast<i64>(e) * threads;
          if (i >= header.count) return write(out.at + e * out.step, u32(0));
          i64 offset = i;
          if (input.kind == InterpretedInput::Kind::uniform) offset = 0;
          else if (input.kind == InterpretedInput::Kind::strided)
            offset = header.count <= 0xffffffffll ? offset_of(static_cast<u32>(i), extents, strides, header.axes)
                                                  : offset_of(static_cast<u64>(i), extents, strides, header.axes);
          load_element(reinterpret_cast<const char*>(input.data) + offset * input.size, step.type,
                       out.at + e * out.step);
        });
        break;
      }
      case InterpretedStep::Kind::store: {
        const Site a = site(step.in[0]);
        char* const to = reinterpret_cast<char*>(words[header.outputs_at + step.in[1]]);
        for_elements([&](int e) {
          const i64 i = begin + static_cast<i64>(e) * threads;
          if (i < header.count) store_element(a.at + e * a.step, step.type, to + i * step.to);
        });
        break;
      }
      case InterpretedStep::Kind::compute: {
        const Site a = site(step.in[0]), b = site(step.in[1]);
        by_lane(step.type, [&](auto lane) { compute<decltype(lane)>(step.op, a, b, out); });
        break;
      }
      case InterpretedStep::Kind::convert: {
        const Site a = site(step.in[0]);
        by_lane(step.type, [&](auto lane) { convert<decltype(lane)>(step.to, a, out); });
        break;
      }
      case InterpretedStep::Kind::select: {
        const Site condition = site(step.in[0]), a = site(step.in[1]), b = site(step.in[2]);
        switch (step.type) {
          case 1: select<u8>(condition, a, b, out); break;
          case 2: select<u16>(condition, a, b, out); break;
          case 4: select<u32>(condition, a, b, out); break;
          default: select<u64>(condition, a, b, out);
        }
        break;
      }
      case InterpretedStep::Kind::round_f16:
        for_elements(
            [&](int e) { write(out.at + e * out.step, rounded_to_float16(read<f32>(out.at + e * out.step))); });
        break;
      case InterpretedStep::Kind::round_bf16:
        for_elements(
            [&](int e) { write(out.at + e * out.step, rounded_to_bfloat16(read<f32>(out.at + e * out.step))); });
        break;
    }
  }
}

}  // namespace anabranch::kernels::device
