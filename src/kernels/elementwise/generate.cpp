#include "kernels/elementwise/generate.h"

#include <cstring>

#include "kernels/elementwise/registers.h"

namespace anabranch::kernels {

using Access = KernelForm::Access;
using Kind = KernelForm::Kind;
using graph::Lane;
using graph::Op;
using graph::Program;

namespace {

void append(std::string& to, const char* text) { to += text; }
void append(std::string& to, const std::string& text) { to += text; }
template <typename T>
  requires std::is_integral_v<T>
void append(std::string& to, T number) {
  to += std::to_string(number);
}
template <typename... T>
std::string text(const T&... parts) {
  std::string result;
  (append(result, parts), ...);
  return result;
}

const char* lane_name(Lane lane) {
  static constexpr const char* names[] = {"b8",  "u8",  "u16", "u32", "u64", "i8",
                                          "i16", "i32", "i64", "f32", "f64", "c64"};
  static_assert(std::size(names) == graph::lane_count);
  return names[static_cast<int>(lane)];
}
const char* lane_name(Dtype d) { return lane_name(graph::lane_of(d)); }

// The functor's name in device/.
const char* functor_name(Op op) {
#define ANABRANCH_NAME(Opcode, ...) #Opcode,
  static constexpr const char* names[] = {ANABRANCH_UNARY_OPS(ANABRANCH_NAME) ANABRANCH_BINARY_OPS(ANABRANCH_NAME)};
#undef ANABRANCH_NAME
  static_assert(std::size(names) == static_cast<int>(Op::Copy) - static_cast<int>(Op::Abs));
  return names[static_cast<int>(op) - static_cast<int>(Op::Abs)];
}

// The type in device/memory.cuh.
std::string memory_name(Dtype d) { return text("memory::", d == bool_ ? "bool_" : std::string(dtype_name(d))); }

class Generator {
 public:
  Generator(const Program& program, const KernelForm& form) : p_(program), form_(form), at_(program, form) {}

  std::string run() {
    print("#include \"", form_.pairs ? "pairs.cuh" : "memory.cuh", "\"\n#include \"transcendental.cuh\"");
    print(form_.kind == Kind::halves ? "#include \"random.cuh\"\n" : "");
    print("namespace anabranch::kernels::device {");
    print_element();
    print("struct Arguments {\n  u64 words[", at_.total(), "];\n};");
    print("extern \"C\" __global__ void __launch_bounds__(", kernel_threads,
          ") program(const __grid_constant__ Arguments a) {");
    print("  constexpr int V = ", int{form_.vector}, ", U = ", int{form_.unroll}, ";");
    print("  using Divisor = ", form_.wide ? "Divisor64" : "Divisor32", ";");
    print("  using Offset = ", form_.wide ? "i64" : "i32", ";");
    print("  const int thread = threadIdx.x;");
    for (std::size_t c = 0; c < p_.constants.size(); ++c) print_constant(c);
    for (std::size_t o = 0; o < p_.outputs.size(); ++o)
      print("  char* out", o, " = reinterpret_cast<char*>(a.words[", at_.out(o), "]);");
    for (std::size_t i = 0; i < p_.inputs.size(); ++i) {
      print("  const char* in", i, " = reinterpret_cast<const char*>(a.words[", at_.in(i), "]);");
      if (form_.in[i] == Access::uniform)
        print("  const ", value_type(p_.inputs[i]), " v", i, " = ",
              same_for_two(i, text("load<", memory_name(p_.inputs[i]), ">(in", i, ")")), ";");
    }
    switch (form_.kind) {
      case Kind::flat:
      case Kind::strided: print_line(); break;
      case Kind::halves: print_halves(); break;
      case Kind::rows: print_rows(); break;
      case Kind::tiles: print_tiles(); break;
    }
    print("}\n}  // namespace anabranch::kernels::device");
    return std::move(text_);
  }

 private:
  template <typename... T>
  void print(const T&... parts) {
    (append(text_, parts), ...);
    text_ += '\n';
  }

  // The type of a value while it is computed, of one element or of two.
  std::string value_type(Dtype d) const { return form_.pairs ? text("Two<", memory_name(d), ">") : lane_name(d); }

  // An element of input i that is its own neighbour.
  std::string same_for_two(std::size_t i, const std::string& element) const {
    return form_.pairs ? text("both<", memory_name(p_.inputs[i]), ">(", element, ")") : element;
  }
  // What a pack has for element e, or for it and the next.
  std::string of_pack(const std::string& pack) const {
    return form_.pairs ? text("two_of(", pack, ", e)") : pack + ".get(e)";
  }

  Dtype output_type(std::size_t o) const { return p_.outputs[o].dtype; }

  // One element: its inputs and the constants by value, its outputs by reference.
  void print_element() {
    const std::size_t first_constant = p_.inputs.size(), first_result = first_constant + p_.constants.size();
    std::string parameters;
    const auto parameter = [&](const std::string& type, const char* name, std::size_t number) {
      if (!parameters.empty()) parameters += ", ";
      parameters += text(type, name, number);
    };
    for (std::size_t i = 0; i < first_constant; ++i) parameter(value_type(p_.inputs[i]), " v", i);
    for (std::size_t c = 0; c < p_.constants.size(); ++c)
      parameter(value_type(p_.constants[c].dtype), " v", first_constant + c);
    for (std::size_t o = 0; o < p_.outputs.size(); ++o) parameter(value_type(output_type(o)), "& r", o);
    print("ANABRANCH_DEVICE void element(", parameters, ") {");
    for (std::size_t k = 0; k < p_.instructions.size(); ++k) print_instruction(p_.instructions[k], first_result + k);
    for (std::size_t o = 0; o < p_.outputs.size(); ++o) {
      const std::size_t value = p_.outputs[o].value;
      if (form_.pairs) print("  r", o, " = twice_converted<", memory_name(output_type(o)), ">(v", value, ");");
      else print("  r", o, " = v", value, ";");
    }
    print("}");
  }

  void print_instruction(const Program::Instruction& instruction, std::size_t number) {
    std::string value;
    const std::string pair_type = memory_name(instruction.to);
    if (instruction.op == Op::Select) {
      value = form_.pairs ? "twice_selected" : "selected";
    } else if (is_conversion(instruction.op)) {
      value =
          form_.pairs ? text("twice_converted<", pair_type, ">") : text("converted<", lane_name(instruction.to), ">");
    } else {
      const int weight = weight_of(instruction.op, graph::lane_of(instruction.from));
      value = functor_name(instruction.op);
      if (form_.calls && weight >= called_weight) value = text("Called<", value, ">");
      value = form_.pairs ? text("twice<", value, ", ", pair_type, ">") : text(value, "::of");
    }
    value += '(';
    for (int j = 0; j < instruction.operands; ++j) {
      if (j) value += ", ";
      value += text("v", instruction.operand[j]);
    }
    value += ')';
    if (!form_.pairs && is_half(instruction.to) && !graph::is_exact(instruction.op))
      value = text(instruction.to == float16 ? "rounded_to_float16(" : "rounded_to_bfloat16(", value, ")");
    print("  const ", value_type(instruction.to), " v", number, " = ", value, ";");
  }

  void print_constant(std::size_t c) {
    const Dtype d = p_.constants[c].dtype;
    const Lane lane = graph::lane_of(d);
    const std::string word = text("a.words[", at_.constant(c), "]");
    std::string value = text("static_cast<", lane_name(lane), ">(", word, ")");
    if (lane == Lane::b8) value = word + " != 0";
    else if (lane == Lane::f32) value = text("bits_as<f32>(static_cast<u32>(", word, "))");
    else if (lane == Lane::f64 || lane == Lane::c64) value = text("bits_as<", lane_name(lane), ">(", word, ")");
    if (form_.pairs) value = text("both<", memory_name(d), ">(", value, ")");
    print("  const ", value_type(d), " v", p_.inputs.size() + c, " = ", value, ";");
  }

  // Calls element(), with argument(i) for input i unless that is uniform, and declares its results.
  template <typename F>
  void print_call(const char* indent, F&& argument) {
    for (std::size_t o = 0; o < p_.outputs.size(); ++o) print(indent, value_type(output_type(o)), " r", o, ";");
    std::string arguments;
    const auto add = [&](const std::string& text) { arguments += (arguments.empty() ? "" : ", ") + text; };
    for (std::size_t i = 0; i < p_.inputs.size(); ++i) add(form_.in[i] == Access::uniform ? text("v", i) : argument(i));
    for (std::size_t c = 0; c < p_.constants.size(); ++c) add(text("v", p_.inputs.size() + c));
    for (std::size_t o = 0; o < p_.outputs.size(); ++o) add(text("r", o));
    print(indent, "element(", arguments, ");");
  }

  template <typename F>
  void for_inputs(F&& f) {
    for (std::size_t i = 0; i < p_.inputs.size(); ++i)
      if (form_.in[i] != Access::uniform)
        f(i, form_.in[i], memory_name(p_.inputs[i]), std::to_string(p_.inputs[i].size()));
  }

  void print_divisor(std::size_t d) {
    print("  const Divisor d", d, "(a.words[", at_.divisor(d), "], a.words[", at_.divisor(d) + 1, "]);");
  }
  // Input i's strides along all axes, as s<i>_<axis>; the output's are those of the input after the last.
  void print_strides(std::size_t i) {
    for (std::size_t a = 0; a < form_.axes; ++a)
      print("  const Offset s", i, "_", a, " = static_cast<Offset>(a.words[", at_.stride(i, a), "]);");
  }
  std::string place(std::size_t i) const {
    std::string sum;
    for (std::size_t a = 0; a < form_.axes; ++a) sum += text(a ? " + c" : "c", a, " * s", i, "_", a);
    return sum;
  }
  // Declares the index along each axis, c<axis>, of the element number `index`.
  void print_indices(const char* indent, const std::string& index) {
    print(indent, "Divisor::Index rest = ", index, ";");
    for (std::size_t a = form_.axes; a-- > 1;)
      print(indent, "Offset c", a, " = static_cast<Offset>(divide(rest, d", a - 1, "));");
    print(indent, "Offset c0 = static_cast<Offset>(rest);");
  }

  // A line of elements: blocks have whole tiles of it but for the last.
  void print_line() {
    const bool strided = form_.kind == Kind::strided;
    const std::size_t tile = std::size_t{kernel_threads} * form_.vector * form_.unroll;
    print("  constexpr int tile = ", tile, ";");
    print("  const i64 first = static_cast<i64>(blockIdx.x) * tile, left = static_cast<i64>(a.words[", at_.count(),
          "]) - first;");
    for (std::size_t o = 0; o < p_.outputs.size(); ++o)
      print("  out", o, " += first * ", std::size_t{output_type(o).size()}, ";");
    for_inputs([&](std::size_t i, Access access, const std::string&, const std::string& size) {
      if (access == Access::dense) print("  in", i, " += first * ", size, ";");
      else print_strides(i);
    });
    if (strided)
      for (std::size_t a = 1; a < form_.axes; ++a) print_divisor(a - 1);
    print("  if (left >= tile) {");
    for_inputs([&](std::size_t i, Access access, const std::string& memory, const std::string&) {
      if (access == Access::dense) print("    Pack<", memory, ", V> x", i, "[U];");
      else print("    ", memory, "::Value x", i, "[U][V];");
    });
    print("#pragma unroll\n    for (int u = 0; u < U; ++u) {");
    print("      const int i = (u * ", kernel_threads, " + thread) * V;");
    for_inputs([&](std::size_t i, Access access, const std::string&, const std::string& size) {
      if (access == Access::dense) print("      x", i, "[u].load(in", i, " + i * ", size, ");");
    });
    if (strided) {
      print_indices("      ", "static_cast<Divisor::Index>(first) + i");
      print("#pragma unroll\n      for (int e = 0; e < V; ++e) {");
      for_inputs([&](std::size_t i, Access access, const std::string& memory, const std::string& size) {
        if (access != Access::dense)
          print("        x", i, "[u][e] = load<", memory, ">(in", i, " + static_cast<i64>(", place(i), ") * ", size,
                ");");
      });
      print_step();
      print("      }");
    }
    print("    }\n#pragma unroll\n    for (int u = 0; u < U; ++u) {");
    print("      const int i = (u * ", kernel_threads, " + thread) * V;");
    print_packs("      ", [&](std::size_t i) {
      if (form_.in[i] == Access::dense) return of_pack(text("x", i, "[u]"));
      const std::string x = text("x", i, "[u][e");
      return form_.pairs ? text("two<", memory_name(p_.inputs[i]), ">(", x, "], ", x, " + 1])") : x + "]";
    });
    for (std::size_t o = 0; o < p_.outputs.size(); ++o)
      print("      y", o, ".store(out", o, " + i * ", std::size_t{output_type(o).size()}, ");");
    print("    }\n    return;\n  }");
    print("#pragma unroll 1\n  for (int i = thread; i < static_cast<int>(left); i += ", kernel_threads, ") {");
    if (strided) print_indices("    ", "static_cast<Divisor::Index>(first) + i");
    print_call("    ", [&](std::size_t i) {
      const std::string size = std::to_string(p_.inputs[i].size());
      const std::string offset = form_.in[i] == Access::dense ? "i" : text("static_cast<i64>(", place(i), ")");
      return same_for_two(i, text("load<", memory_name(p_.inputs[i]), ">(in", i, " + ", offset, " * ", size, ")"));
    });
    print_stores("    ", "i");
    print("  }");
  }

  // Element i and the one half the domain further, for the i of a block: several tiles, whole but for the last.
  void print_halves() {
    print("  constexpr int tile = ", std::size_t{kernel_threads} * form_.vector, ";");
    print("  const i64 count = static_cast<i64>(a.words[", at_.count(), "]), half = (count + 1) / 2;");
    for_inputs([&](std::size_t i, Access access, const std::string&, const std::string&) {
      if (access == Access::generated)
        print("  const RandomKey k", i, "(in", i, ", static_cast<i64>(a.words[", at_.stride(i, 0), "]));");
    });
    print("#pragma unroll 1\n  for (int u = 0; u < U; ++u) {");
    print("    const i64 first = (static_cast<i64>(blockIdx.x) * U + u) * tile;");
    print("    if (first + tile <= count - half) {\n      const i64 i = first + thread * V;");
    for_inputs([&](std::size_t i, Access access, const std::string& memory, const std::string& size) {
      print("      Pack<", memory, ", V> x", i, "[2];");
      if (access == Access::generated) return;
      print("      x", i, "[0].load(in", i, " + i * ", size, ");");
      print("      x", i, "[1].load(in", i, " + (i + half) * ", size, ");");
    });
    for_inputs([&](std::size_t i, Access access, const std::string&, const std::string&) {
      if (access == Access::generated)
        print("      generate(k", i, ", static_cast<u32>(i), static_cast<u32>(half), x", i, "[0], x", i, "[1]);");
    });
    print("#pragma unroll\n      for (int h = 0; h < 2; ++h) {");
    print_packs("        ", [&](std::size_t i) { return of_pack(text("x", i, "[h]")); });
    for (std::size_t o = 0; o < p_.outputs.size(); ++o)
      print("        y", o, ".store(out", o, " + (i + h * half) * ", std::size_t{output_type(o).size()}, ");");
    print("      }\n      continue;\n    }");
    print("#pragma unroll 1\n    for (i64 i = first + thread; i < half && i < first + tile; i += ", kernel_threads,
          ") {");
    for_inputs([&](std::size_t i, Access access, const std::string&, const std::string&) {
      if (access == Access::generated)
        print("      const RandomPair x", i, " = k", i,
              ".pair(static_cast<u32>(i), i + half < count ? static_cast<u32>(i + half) : 0);");
    });
    print("#pragma unroll 1\n      for (i64 at = i; at < count; at += half) {");
    print_call("        ", [&](std::size_t i) {
      const std::string size = std::to_string(p_.inputs[i].size());
      return same_for_two(i, form_.in[i] == Access::generated
                                 ? text("(at < half ? x", i, ".first : x", i, ".second)")
                                 : text("load<", memory_name(p_.inputs[i]), ">(in", i, " + at * ", size, ")"));
    });
    print_stores("        ", "at");
    print("      }\n    }\n  }");
  }

  // Stores the results of print_call() as the elements number `at`.
  void print_stores(const char* indent, const char* at) {
    for (std::size_t o = 0; o < p_.outputs.size(); ++o)
      print(indent, "store<", memory_name(output_type(o)), ">(out", o, " + ", at, " * ",
            std::size_t{output_type(o).size()}, form_.pairs ? ", first_of(r" : ", r", o, form_.pairs ? "));" : ");");
  }

  // From an element's indices to the next one's.
  void print_step() {
    std::string indent = "        ";
    for (std::size_t a = form_.axes; a-- > 1;) {
      print(indent, "if (++c", a, " == static_cast<Offset>(d", a - 1, ".divisor)) {");
      indent += "  ";
      print(indent, "c", a, " = 0;");
    }
    print(indent, "++c0;");
    while (indent.size() > 8) {
      indent.resize(indent.size() - 2);
      print(indent, "}");
    }
  }

  // Computes a vector of V elements into packs y<o>.
  template <typename F>
  void print_packs(const std::string& indent, F&& argument) {
    for (std::size_t o = 0; o < p_.outputs.size(); ++o)
      print(indent, "Pack<", memory_name(output_type(o)), ", V> y", o, ";");
    print("#pragma unroll\n", indent, "for (int e = 0; e < V; e += ", form_.pairs ? 2 : 1, ") {");
    print_call((indent + "  ").c_str(), argument);
    for (std::size_t o = 0; o < p_.outputs.size(); ++o) {
      if (form_.pairs) print(indent, "  set_two(y", o, ", e, r", o, ");");
      else print(indent, "  y", o, ".set(e, r", o, ");");
    }
    print(indent, "}");
  }

  // Declares the indices along the axes before the last two, or of a tiled layout those but two; `item` has been
  // divided by what those two take.
  void print_outer_indices(std::size_t row_axis) {
    std::size_t d = form_.axes > 2 ? form_.axes - 2u : 1u;  // the last divisor, which is the innermost axis'
    bool outermost = true;
    std::size_t first = form_.axes;
    for (std::size_t a = 0; a + 1 < form_.axes; ++a)
      if (a != row_axis && outermost) first = a, outermost = false;
    for (std::size_t a = form_.axes - 1u; a-- > 0;) {
      if (a == row_axis || a == first) continue;
      print_divisor(d);
      print("  const Offset c", a, " = static_cast<Offset>(divide(item, d", d, "));");
      --d;
    }
    if (first < form_.axes) print("  const Offset c", first, " = static_cast<Offset>(item);");
  }

  // A thread has a vector of columns in U neighbouring rows.
  void print_rows() {
    const std::size_t row_axis = form_.axes - 2u, column_axis = form_.axes - 1u;
    const std::string rows_name = text("c", row_axis), outputs = std::to_string(p_.inputs.size());
    print("  Divisor::Index item = static_cast<Divisor::Index>(blockIdx.x) * ", kernel_threads, " + thread;");
    print("  if (item >= a.words[", at_.count(), "]) return;");
    print_divisor(0);
    print_divisor(1);
    print("  const Offset c", column_axis, " = static_cast<Offset>(divide(item, d0)) * V;");
    print("  const Offset ", rows_name, " = static_cast<Offset>(divide(item, d1)) * U;");
    print_outer_indices(row_axis);
    print("  const Offset rows = static_cast<Offset>(a.words[", at_.rows(), "]) - ", rows_name, ";");
    for_inputs([&](std::size_t i, Access, const std::string&, const std::string& size) {
      print_strides(i);
      print("  in", i, " += static_cast<i64>(", place(i), ") * ", size, ";");
    });
    print_strides(p_.inputs.size());
    print("  const Offset at = ", place(p_.inputs.size()), ";");
    for_inputs([&](std::size_t i, Access access, const std::string& memory, const std::string&) {
      if (access == Access::along_row) print("  ", memory, "::Value x", i, "[U];");
      else print("  Pack<", memory, ", V> x", i, access == Access::repeated ? "" : "[U]", ";");
    });
    for_inputs([&](std::size_t i, Access access, const std::string&, const std::string&) {
      if (access == Access::repeated) print("  x", i, ".load(in", i, ");");
    });
    // Rows beyond the last are read as that one, so that nothing waits for a branch.
    print("#pragma unroll\n  for (int u = 0; u < U; ++u) {\n    const Offset row = u < rows ? u : rows - 1;");
    for_inputs([&](std::size_t i, Access access, const std::string& memory, const std::string& size) {
      const std::string from = text("in", i, " + static_cast<i64>(row * s", i, "_", row_axis, ") * ", size);
      if (access == Access::along_row) print("    x", i, "[u] = load<", memory, ">(", from, ");");
      else if (access != Access::repeated) print("    x", i, "[u].load(", from, ");");
    });
    print("  }\n#pragma unroll\n  for (int u = 0; u < U; ++u) {");
    print_packs("    ", [&](std::size_t i) {
      const std::string x = text("x", i);
      if (form_.in[i] == Access::along_row) return same_for_two(i, x + "[u]");
      return of_pack(form_.in[i] == Access::repeated ? x : x + "[u]");
    });
    print("    if (u < rows) {");
    for (std::size_t o = 0; o < p_.outputs.size(); ++o)
      print("      y", o, ".store(out", o, " + static_cast<i64>(at + u * s", outputs, "_", row_axis, ") * ",
            std::size_t{output_type(o).size()}, ");");
    print("    }\n  }");
  }

  // A square of rows (the tile axis) and columns; transposed operands are read along their own rows.
  void print_tiles() {
    const std::size_t r = form_.tile_axis, c = form_.axes - 1u;
    const std::string side = std::to_string(form_.tile);
    const std::string lines = std::to_string(kernel_threads / 32);
    print("  constexpr int side = ", side, ", lines = ", lines, ", M = side / lines, N = side / 32;");
    print("  Divisor::Index item = blockIdx.x;");
    print_divisor(0);
    print_divisor(1);
    print("  const Offset c", c, " = static_cast<Offset>(divide(item, d0)) * side;");
    print("  const Offset c", r, " = static_cast<Offset>(divide(item, d1)) * side;");
    print_outer_indices(r);
    print("  const Offset rows = static_cast<Offset>(a.words[", at_.rows(), "]) - c", r, ";");
    print("  const Offset columns = static_cast<Offset>(a.words[", at_.columns(), "]) - c", c, ";");
    print("  const int lane = thread % 32, line = thread / 32;");
    for_inputs([&](std::size_t i, Access access, const std::string& memory, const std::string& size) {
      print_strides(i);
      print("  in", i, " += static_cast<i64>(", place(i), ") * ", size, ";");
      if (access == Access::transposed) print("  __shared__ ", memory, "::Bits tile", i, "[side][side + 1];");
      print("  ", memory, "::Bits x", i, "[M][N];");
    });
    print_strides(p_.inputs.size());
    print("  const Offset at = ", place(p_.inputs.size()), ";");
    // All reads are on their way before the first is waited for.
    print_tile_loops([&] {
      for_inputs([&](std::size_t i, Access access, const std::string& memory, const std::string& size) {
        const bool across = access == Access::transposed;
        const std::string s = text("s", i, "_");
        print("      if (", across ? "i < rows && j < columns" : "j < rows && i < columns", ")");
        print("        x", i, "[m][n] = *reinterpret_cast<const ", memory, "::Bits*>(in", i, " + static_cast<i64>(",
              across ? "i" : "j", " * ", s, r, " + ", across ? "j" : "i", " * ", s, c, ") * ", size, ");");
      });
    });
    print_tile_loops([&] {
      for_inputs([&](std::size_t i, Access access, const std::string&, const std::string&) {
        if (access == Access::transposed) print("      tile", i, "[j][i] = x", i, "[m][n];");
      });
    });
    print("  __syncthreads();");
    print_tile_loops([&] {
      print("      if (j < rows && i < columns) {");
      print_call("        ", [&](std::size_t i) {
        const bool across = form_.in[i] == Access::transposed;
        return text(memory_name(p_.inputs[i]), across ? "::from(tile" : "::from(x", i, across ? "[i][j])" : "[m][n])");
      });
      for (std::size_t o = 0; o < p_.outputs.size(); ++o) {
        const std::string s = text("s", p_.inputs.size(), "_");
        print("        store<", memory_name(output_type(o)), ">(out", o, " + static_cast<i64>(at + j * ", s, r,
              " + i * ", s, c, ") * ", std::size_t{output_type(o).size()}, ", r", o, ");");
      }
      print("      }");
    });
  }

  template <typename F>
  void print_tile_loops(F&& body) {
    print("#pragma unroll\n  for (int m = 0; m < M; ++m) {\n#pragma unroll\n    for (int n = 0; n < N; ++n) {");
    print("      const int j = line + m * lines, i = lane + n * 32;");
    body();
    print("    }\n  }");
  }

  const Program& p_;
  const KernelForm& form_;
  const KernelWords at_;
  std::string text_;
};

}  // namespace

std::string generate(const Program& program, const KernelForm& form) { return Generator(program, form).run(); }

void write_key(const Program& program, const KernelForm& form, std::vector<std::uint64_t>& key) {
  key.clear();
  key.push_back(program.inputs.size() | program.constants.size() << 16 | program.instructions.size() << 32 |
                program.outputs.size() << 48);
  const auto push = [&](std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    key.push_back(a | b << 16 | c << 32 | d << 48);
  };
  for (const Dtype d : program.inputs) key.push_back(static_cast<std::uint64_t>(d.val));
  for (const graph::Scalar& c : program.constants) key.push_back(static_cast<std::uint64_t>(c.dtype.val));
  for (const auto& i : program.instructions) {
    push(static_cast<std::uint64_t>(i.op),
         static_cast<std::uint64_t>(i.from.val) << 8 | static_cast<std::uint64_t>(i.to.val), i.operands, i.operand[0]);
    if (i.operands > 1) push(i.operand[1], i.operands > 2 ? i.operand[2] : 0, 0, 0);
  }
  for (const auto& o : program.outputs) push(o.value, static_cast<std::uint64_t>(o.dtype.val), 0, 0);
  static_assert(sizeof(KernelForm) == 9 + most_kernel_inputs);
  const std::size_t at = key.size();
  key.resize(at + (sizeof(KernelForm) + 7) / 8, 0);
  std::memcpy(&key[at], &form, sizeof(KernelForm));
}

}  // namespace anabranch::kernels
