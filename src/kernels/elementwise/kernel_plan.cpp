#include "kernels/elementwise/kernel_plan.h"

#include <algorithm>
#include <bit>

#include "kernels/elementwise/generated.h"
#include "kernels/elementwise/registers.h"

namespace anabranch::kernels {

using Access = KernelForm::Access;
using Kind = KernelForm::Kind;

namespace {

// Bytes that a thread reads before it computes: one vector. Narrow elements take more work a byte, and gain from more.
constexpr std::size_t bytes_on_their_way = 16, narrow_bytes_on_their_way = 96;
// Weight of all copies of a program in a kernel, one for each element that a thread has on its way: more take seconds
// to compile, and no longer wait for memory.
constexpr int most_weight = 1200;
// Pairs of elements of a thread, which share what it does once: reading keys, above all.
constexpr std::size_t most_pairs = 8;
// Of generating a word, in tens of instructions as weight_of().
constexpr int weight_of_word = 4;
// Shorter rows waste too much of what moves together.
constexpr std::int64_t shortest_row = 32;
constexpr std::int64_t most_narrow = INT32_MAX;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::size_t power_of_2_below(std::size_t x, std::size_t most) {
  return std::clamp(std::bit_floor(x), std::size_t{1}, most);
}

std::size_t divisors_of(const KernelForm& form) {
  switch (form.kind) {
    case Kind::flat:
    case Kind::halves: return 0;
    case Kind::strided: return form.axes - 1u;
    default: return form.axes > 2 ? form.axes - 1u : 2u;
  }
}

bool is_aligned(const Operand& operand, std::size_t elements) {
  return reinterpret_cast<std::uintptr_t>(operand.data) % (elements * operand.dtype.size()) == 0;
}

std::int64_t reach(const Layout& layout, const Operand& operand) {
  std::int64_t sum = 0;
  for (std::size_t a = 0; a < layout.shape.size(); ++a) sum += std::abs(operand.strides[a]) * (layout.shape[a] - 1);
  return sum;
}

// Magic numbers after Granlund and Montgomery, "Division by invariant integers using multiplication", 1994, for
// dividends below 2^31.
void write_divisor(std::uint64_t divisor, bool wide, std::uint64_t* words) {
  words[0] = divisor;
  words[1] = 0;
  if (wide || divisor <= 1) return;
  const int shift = std::bit_width(divisor - 1);
  const std::uint64_t magic = ((std::uint64_t{1} << (31 + shift)) + divisor - 1) / divisor;
  words[1] = magic | static_cast<std::uint64_t>(shift - 1) << 32;
}

class Planner {
 public:
  Planner(const graph::Program& program, const Layout& layout, int processors, KernelPlan& plan)
      : p_(program), layout_(layout), processors_(processors), plan_(plan), form_(plan.form) {}

  void run() {
    form_ = KernelForm{};
    if (layout_.shape.size() > 0) form_.axes = static_cast<std::uint8_t>(layout_.shape.size());
    choose_kind();
    form_.wide = form_.kind != Kind::flat && form_.kind != Kind::halves && needs_wide();
    choose_vector();
    write_words();
  }

 private:
  bool strided(std::size_t i) const { return layout_.in[i].kind == Operand::Kind::strided; }
  std::int64_t last_extent() const { return layout_.shape.back(); }
  std::int64_t pairs() const { return ceil_div(layout_.count, 2); }  // halves: the last one can lack its second element

  void choose_kind() {
    for (std::size_t i = 0; i < layout_.in.size(); ++i) {
      const Operand::Kind kind = layout_.in[i].kind;
      form_.in[i] = kind == Operand::Kind::dense     ? Access::dense
                    : kind == Operand::Kind::uniform ? Access::uniform
                    : kind == Operand::Kind::strided ? Access::strided
                                                     : Access::generated;
      if (kind == Operand::Kind::generated) form_.kind = Kind::halves;
    }
    if (form_.kind == Kind::halves) {
      form_.axes = 1;
      return;
    }
    if (form_.axes == 0) return;
    if (layout_.tiled()) {
      form_.kind = Kind::tiles;
      form_.tile_axis = static_cast<std::uint8_t>(layout_.tile_axis);
      choose_tiles();
      return;
    }
    form_.kind = Kind::rows;
    for (std::size_t i = 0; i < layout_.in.size(); ++i) {
      if (!strided(i)) continue;
      const Strides& strides = layout_.in[i].strides;
      if (form_.axes < 2 || last_extent() < shortest_row || (strides.back() != 0 && strides.back() != 1)) {
        form_.kind = Kind::strided;
      } else if (strides.back() == 0) {
        form_.in[i] = Access::along_row;
      } else if (strides[form_.axes - 2u] == 0) {
        form_.in[i] = Access::repeated;
      }
    }
    if (form_.kind == Kind::rows) return;
    for (std::size_t i = 0; i < layout_.in.size(); ++i)
      if (strided(i)) form_.in[i] = Access::strided;
  }

  // Larger tiles have more on its way, as long as several blocks have room for theirs on a multiprocessor. Operands
  // beyond what a block has room for are read as they lie.
  void choose_tiles() {
    constexpr std::size_t large = 64 * 65, small = 32 * 33, comfortable = 34 << 10, most = 44 << 10;
    std::size_t bytes = 0;  // of one element of each transposed operand
    for (std::size_t i = 0; i < layout_.in.size(); ++i) {
      if (!strided(i)) continue;
      const Operand& in = layout_.in[i];
      const std::int64_t down = std::abs(in.strides[layout_.tile_axis]), across = std::abs(in.strides.back());
      if (down == 0 || down >= across || (bytes + in.dtype.size()) * small > most) continue;
      form_.in[i] = Access::transposed;
      bytes += in.dtype.size();
    }
    form_.tile = bytes * large <= comfortable ? 64 : 32;
  }

  bool needs_wide() const {
    if (layout_.count > most_narrow - kernel_threads * 16) return true;
    for (const Operand& in : layout_.in)
      if (in.kind == Operand::Kind::strided && reach(layout_, in) > most_narrow) return true;
    return false;
  }

  // Whether every operand that moves in vectors of so many elements is aligned to their size, wherever it begins.
  bool aligned(std::size_t elements) const {
    const auto fits = [&](std::int64_t n) { return n % static_cast<std::int64_t>(elements) == 0; };
    for (const Operand& out : layout_.out)
      if (!is_aligned(out, elements)) return false;
    if (form_.kind == Kind::rows && !fits(last_extent())) return false;
    if (form_.kind == Kind::halves && !fits(pairs())) return false;
    for (std::size_t i = 0; i < layout_.in.size(); ++i) {
      const Operand& in = layout_.in[i];
      const Access access = form_.in[i];
      const bool moves = access == Access::dense ||
                         (form_.kind == Kind::rows && (access == Access::strided || access == Access::repeated));
      if (!moves) continue;
      if (!is_aligned(in, elements)) return false;
      if (access == Access::dense) continue;
      for (std::size_t a = 0; a + 1 < form_.axes; ++a)
        if (!fits(in.strides[a])) return false;
    }
    return true;
  }

  void choose_vector() {
    std::size_t largest = 1, smallest = 4, bytes = 0;
    for (const Operand& out : layout_.out) {
      largest = std::max<std::size_t>(largest, out.dtype.size());
      smallest = std::min<std::size_t>(smallest, out.dtype.size());
    }
    for (std::size_t i = 0; i < layout_.in.size(); ++i) {
      if (form_.in[i] == Access::uniform) continue;
      largest = std::max<std::size_t>(largest, layout_.in[i].dtype.size());
      smallest = std::min<std::size_t>(smallest, layout_.in[i].dtype.size());
      // What is read for several rows at once comes from a cache.
      const bool moves =
          form_.in[i] != Access::generated && form_.in[i] != Access::repeated && form_.in[i] != Access::along_row;
      if (moves) bytes += layout_.in[i].dtype.size();
    }
    std::size_t vector = 16 / largest;
    if (form_.kind == Kind::strided) vector = std::min<std::size_t>(vector, 4);
    while (vector > 1 && !aligned(vector)) vector /= 2;
    const std::size_t wanted = smallest < 4 ? narrow_bytes_on_their_way : bytes_on_their_way;
    std::size_t unroll = power_of_2_below(wanted / (vector * std::max<std::size_t>(bytes, 1)), vector > 1 ? 4 : 8);
    int weight = 0;
    for (const auto& i : p_.instructions) weight += weight_of(i.op, graph::lane_of(i.from));
    const bool halves = form_.kind == Kind::halves;
    if (halves) {
      unroll = most_pairs / vector;
      for (const Access access : form_.in) weight += access == Access::generated ? weight_of_word : 0;
    }
    const auto too_much = [&] {
      const std::size_t copies =
          form_.kind == Kind::tiles ? form_.tile * form_.tile / kernel_threads : vector * (halves ? 2 : unroll) + 1;
      return weight * static_cast<int>(copies) > most_weight;
    };
    while (!halves && unroll > 1 && too_much()) unroll /= 2;
    if (form_.kind == Kind::tiles && too_much()) form_.tile = 32;
    form_.calls = too_much();
    if (form_.kind == Kind::strided) unroll = std::min<std::size_t>(unroll, std::max<std::size_t>(1, 4 / vector));
    if (form_.kind == Kind::rows)
      unroll = std::min(unroll, std::bit_floor(static_cast<std::size_t>(layout_.shape[form_.axes - 2u])));
    if (form_.kind == Kind::tiles) vector = unroll = 1;
    // Few elements are better spread over the device.
    const std::int64_t spread = std::int64_t{2} * processors_ * kernel_threads * static_cast<std::int64_t>(vector);
    if (layout_.count < spread * static_cast<std::int64_t>(halves ? 2 * unroll : unroll)) unroll = 1;
    form_.vector = static_cast<std::uint8_t>(vector);
    form_.unroll = static_cast<std::uint8_t>(unroll);
    form_.pairs = vector > 1 && std::any_of(p_.instructions.begin(), p_.instructions.end(),
                                            [](const auto& i) { return is_half(i.from) || is_half(i.to); });
  }

  void write_words() {
    const KernelWords at(p_, form_);
    auto& words = plan_.words;
    words.assign(at.total(), 0);
    for (std::size_t i = 0; i < layout_.in.size(); ++i)
      words[at.in(i)] = reinterpret_cast<std::uint64_t>(layout_.in[i].data);
    for (std::size_t o = 0; o < layout_.out.size(); ++o)
      words[at.out(o)] = reinterpret_cast<std::uint64_t>(layout_.out[o].data);
    for (std::size_t c = 0; c < p_.constants.size(); ++c) words[at.constant(c)] = register_bits(p_.constants[c]);
    words[at.count()] = static_cast<std::uint64_t>(layout_.count);
    const std::int64_t block_elements = kernel_threads * form_.vector * form_.unroll;
    const std::int64_t elements = form_.kind == Kind::halves ? pairs() : layout_.count;
    plan_.blocks = static_cast<std::uint64_t>(ceil_div(elements, block_elements));
    if (form_.kind == Kind::flat) return;
    if (form_.kind == Kind::halves) return write_key_strides(at);
    write_strides(at);
    const auto divisor = [&](std::size_t d, std::int64_t by) {
      write_divisor(static_cast<std::uint64_t>(by), form_.wide, &words[at.divisor(d)]);
    };
    if (form_.kind == Kind::strided) {
      for (std::size_t a = 1; a < form_.axes; ++a) divisor(a - 1, layout_.shape[a]);
      return;
    }
    const bool tiles = form_.kind == Kind::tiles;
    const std::size_t row_axis = tiles ? form_.tile_axis : form_.axes - 2u;
    const std::int64_t rows = layout_.shape[row_axis], columns = last_extent();
    words[at.rows()] = static_cast<std::uint64_t>(rows);
    words[at.columns()] = static_cast<std::uint64_t>(columns);
    const std::int64_t across = ceil_div(columns, tiles ? form_.tile : form_.vector);
    const std::int64_t down = ceil_div(rows, tiles ? form_.tile : form_.unroll);
    divisor(0, across);
    divisor(1, down);
    std::size_t d = 2;
    bool first = true;
    for (std::size_t a = 0; a + 1 < form_.axes; ++a) {
      if (a == row_axis) continue;
      if (!first) divisor(d++, layout_.shape[a]);
      first = false;
    }
    const std::int64_t items = layout_.count / (rows * columns) * across * down;
    words[at.count()] = static_cast<std::uint64_t>(items);
    plan_.blocks = static_cast<std::uint64_t>(tiles ? items : ceil_div(items, kernel_threads));
  }

  void write_key_strides(const KernelWords& at) {
    for (std::size_t i = 0; i < layout_.in.size(); ++i)
      if (form_.in[i] == Access::generated)
        plan_.words[at.stride(i, 0)] = static_cast<std::uint64_t>(layout_.in[i].strides[0]);
  }

  void write_strides(const KernelWords& at) {
    const Strides dense = contiguous_strides(layout_.shape);
    for (std::size_t i = 0; i <= layout_.in.size(); ++i) {
      const bool own = i < layout_.in.size() && strided(i);
      if (i < layout_.in.size() && form_.in[i] == Access::uniform) continue;
      const Strides& strides = own ? layout_.in[i].strides : dense;
      for (std::size_t a = 0; a < form_.axes; ++a)
        plan_.words[at.stride(i, a)] = static_cast<std::uint64_t>(strides[a]);
    }
  }

  const graph::Program& p_;
  const Layout& layout_;
  const int processors_;
  KernelPlan& plan_;
  KernelForm& form_;
};

}  // namespace

int weight_of(graph::Op op, graph::Lane lane) {
  using graph::Lane;
  using graph::Op;
  const bool real = lane == Lane::f32 || lane == Lane::f64, whole = !real && lane != Lane::c64 && lane != Lane::b8;
  const int wider = lane == Lane::f64 ? 2 : 1;
  switch (op) {
    case Op::Sin:
    case Op::Cos:
    case Op::Tan:
    case Op::Power: return 30;
    case Op::Remainder: return real || whole ? 30 : 1;
    case Op::FloorDivide: return whole ? 30 : 8;
    case Op::Divide:
    case Op::Reciprocal:
    case Op::Rsqrt:
    case Op::Sqrt: return 8;
    case Op::Arctan2:
    case Op::LogAddExp: return 10 * wider;
    default: return op >= Op::Exp && op <= Op::Erfinv ? 5 * wider : 1;
  }
}

KernelWords::KernelWords(const graph::Program& program, const KernelForm& form)
    : inputs_(program.inputs.size()),
      outputs_(program.outputs.size()),
      first_(inputs_ + outputs_ + program.constants.size()),
      divisors_(divisors_of(form)),
      axes_(form.axes) {}

bool can_be_compiled(const graph::Program& program, const Layout& layout) {
  KernelForm form;
  const bool halves = generates(layout);
  form.axes = halves ? 1 : static_cast<std::uint8_t>(layout.shape.size());
  form.kind = halves ? Kind::halves : form.axes ? Kind::rows : Kind::flat;
  return program.inputs.size() <= most_kernel_inputs && layout.shape.size() < 32 &&
         KernelWords(program, form).total() <= most_kernel_words;
}

void plan_kernel(const graph::Program& program, const Layout& layout, int processors, KernelPlan& plan) {
  Planner(program, layout, processors, plan).run();
}

}  // namespace anabranch::kernels
