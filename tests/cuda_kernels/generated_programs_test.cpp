// The kernels that are generated for fused programs: NVRTC takes their text, and run on the host, thread by thread,
// they give what the interpreter gives.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <tuple>

#include "kernels/device_functions.h"
#include "kernels/elementwise/generate.h"
#include "kernels/elementwise/generated.h"
#include "kernels/nvrtc/nvrtc.h"
#include "kernels/random_programs.h"
#include "kernels/tensor.h"

namespace anabranch {
namespace {

using namespace testing;
using kernels::KernelForm;

struct Call {
  Program program;
  Shape shape;
  std::vector<runtime::View> in;
};

// A program over operands of which the kernel is planned and its outputs have memory, twice.
struct Case {
  Call call;
  kernels::Layout layout;
  kernels::KernelPlan plan;
  std::string text;
  std::vector<Buffer> expected, got;
  std::vector<runtime::View> expected_views, got_views;

  Case(const Call& c, int processors) : call(c) {
    const std::size_t count = static_cast<std::size_t>(element_count(c.shape));
    for (const auto& output : c.program.outputs) {
      expected.emplace_back(output.dtype, count);
      got.push_back(expected.back());
    }
    for (std::size_t o = 0; o < got.size(); ++o) {
      expected_views.push_back(expected[o].view(c.shape));
      got_views.push_back(got[o].view(c.shape));
    }
    kernels::lay_out_program(c.program, c.shape, c.in, got_views, layout);
    EXPECT_TRUE(kernels::can_be_compiled(c.program, layout));
    kernels::plan_kernel(c.program, layout, processors, plan);
    text = kernels::generate(c.program, plan.form);
  }
};

// Compiles the cases' texts with the host's compiler into one library, which runs them on the emulated device.
class Host {
 public:
  explicit Host(const std::vector<Case>& cases) {
    char name[] = "/tmp/anabranch-XXXXXX";
    folder_ = mkdtemp(name);
    std::ofstream source(folder_ + "/programs.cpp");
    source << "#include \"cuda_runtime.h\"\n";
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const std::string number = std::to_string(i);
      source << "#define program program" << number << "\n#define Arguments Arguments" << number
             << "\n#define element element" << number << "\n"
             << cases[i].text << "\n#undef program\n#undef Arguments\n#undef element\nextern \"C\" void run" << number
             << "(const void* words, unsigned blocks) {\n  using namespace anabranch::kernels::device;\n"
             << "  emulated::run_grid({blocks}, {" << kernels::kernel_threads << "}, [&] { program" << number
             << "(*static_cast<const Arguments" << number << "*>(words)); });\n}\n";
    }
    source.close();
    const std::string root = ANABRANCH_SOURCE_DIR;
    const std::string command =
        std::string(ANABRANCH_COMPILER) + " -std=c++20 -O0 -w -shared -fPIC -ffp-contract=off -I" + root +
        "/include -I" + root + "/src/kernels/elementwise/device -I" + root + "/src -I" + root + "/tests -I" + root +
        "/tests/cuda_kernels/emulated " + folder_ + "/programs.cpp -o " + folder_ + "/programs.so";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    library_ = dlopen((folder_ + "/programs.so").c_str(), RTLD_NOW);
    EXPECT_TRUE(library_) << dlerror();
    if (!::testing::Test::HasFailure()) std::system(("rm -r " + folder_).c_str());
  }
  ~Host() {
    if (library_) dlclose(library_);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void run(std::size_t number, const kernels::KernelPlan& plan) const {
    void* const function = library_ ? dlsym(library_, ("run" + std::to_string(number)).c_str()) : nullptr;
    ASSERT_TRUE(function);
    reinterpret_cast<void (*)(const void*, unsigned)>(function)(plan.words.data(), static_cast<unsigned>(plan.blocks));
  }

 private:
  std::string folder_;
  void* library_ = nullptr;
};

// The interpreter reads what a kernel generates.
std::vector<runtime::View> with_words(const Call& call, std::vector<Buffer>& words) {
  std::vector<runtime::View> in = call.in;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!call.program.is_generated(i)) continue;
    words.emplace_back(uint32, static_cast<std::size_t>(element_count(call.shape)));
    run_kernel(kernels::random_bits_cpu, {call.in[i]}, in[i] = words.back().view(call.shape),
               graph::RandomBitsAttrs{4});
  }
  return in;
}

void expect_interpreted(std::vector<Case>& cases) {
  const Host host(cases);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Case& c = cases[i];
    std::vector<Buffer> words;
    interpret_on_host(c.call.program, c.call.shape, with_words(c.call, words), c.expected_views);
    host.run(i, c.plan);
    for (std::size_t o = 0; o < c.got.size(); ++o)
      ASSERT_EQ(c.got[o], c.expected[o]) << "case " << i << ", output " << o << " over " << to_string(c.call.shape)
                                         << "\n"
                                         << c.text;
  }
}

TEST(GeneratedProgram, RandomOnesAreInterpreted) {
  std::vector<RandomCall> calls;
  for (unsigned seed = 1; seed <= 60; ++seed) calls.emplace_back(seed);
  std::vector<Case> cases;
  for (std::size_t i = 0; i < calls.size(); ++i)
    cases.emplace_back(Call{calls[i].program, calls[i].shape, calls[i].in}, i % 3 ? 0 : 132);
  expect_interpreted(cases);
}

// (a - b) * c + a, rounded wherever the dtype asks for it.
Program three_operands(Dtype d) {
  Builder p({d, d, d});
  const int difference = p.add(Op::Subtract, d, d, {0, 1});
  const int product = p.add(Op::Multiply, d, d, {difference, 2});
  p.output(p.add(Op::Add, d, d, {product, 0}), d);
  return p.p;
}

// Each way of going over the domain, aligned and not.
TEST(GeneratedProgram, EveryFormIsInterpreted) {
  std::mt19937 random(11);
  struct Layout {
    Shape shape;
    std::vector<Strides> strides;
    KernelForm::Kind kind;
  };
  using Kind = KernelForm::Kind;
  const std::vector<Layout> layouts = {
      {{20000}, {{1}, {1}, {0}}, Kind::flat},
      {{19, 64}, {{64, 1}, {0, 1}, {1, 0}}, Kind::rows},
      {{37, 131}, {{131, 1}, {0, 1}, {1, 0}}, Kind::rows},
      {{3, 5, 96}, {{480, 96, 1}, {96, 0, 1}, {5, 1, 0}}, Kind::rows},
      {{3, 2, 5, 96}, {{1920, 96, 192, 1}, {0, 96, 0, 1}, {5, 0, 1, 0}}, Kind::rows},
      {{700, 3}, {{3, 1}, {0, 1}, {1, 0}}, Kind::strided},
      {{9, 11, 7}, {{154, 14, 2}, {1, 9, 99}, {0, 0, 1}}, Kind::strided},
      {{5000}, {{2}, {1}, {-1}}, Kind::strided},
      {{70, 100}, {{100, 1}, {1, 70}, {0, 1}}, Kind::tiles},
      {{3, 65, 33}, {{2145, 33, 1}, {2145, 1, 65}, {0, 1, 65}}, Kind::tiles},
      {{70, 100}, {{1, 70}, {1, 70}, {1, 70}}, Kind::tiles},
      {{65, 3, 2, 70}, {{420, 140, 70, 1}, {1, 65, 195, 390}, {0, 0, 0, 0}}, Kind::tiles},
  };
  std::vector<Buffer> buffers;
  buffers.reserve(1000);
  std::vector<Case> cases;
  for (const Layout& layout : layouts) {
    for (const Dtype d : {float32, bfloat16, uint8, complex64}) {
      for (const std::int64_t offset : {0, 1}) {
        if (offset && d == complex64) continue;
        Call call{three_operands(d), layout.shape, {}};
        for (const Strides& strides : layout.strides) {
          std::int64_t extent = 1, back = 0;
          for (std::size_t k = 0; k < strides.size(); ++k) {
            extent += std::abs(strides[k]) * (layout.shape[k] - 1);
            if (strides[k] < 0) back -= strides[k] * (layout.shape[k] - 1);
          }
          buffers.push_back(random_buffer(d, static_cast<std::size_t>(extent + offset), random));
          call.in.push_back(buffers.back().view(layout.shape, strides, back + offset));
        }
        cases.emplace_back(call, 0);
        EXPECT_EQ(cases.back().plan.form.kind, layout.kind) << to_string(layout.shape);
      }
    }
  }
  expect_interpreted(cases);
}

// Of two keys, with operands that are loaded: one dense, one of one element.
TEST(GeneratedProgram, ThatGeneratesWords) {
  std::mt19937 random(6);
  Tensor keys = Tensor::of<std::uint32_t>({4}, {2, 3755744309, 77, 4000000000});
  std::vector<Buffer> buffers;
  buffers.reserve(200);
  std::vector<Case> cases;
  for (const Dtype d : {float32, bfloat16, float64}) {
    Builder p({uint32, d, uint32, d}, {Scalar::of_float(0x1p-32, float32)});
    p.p.generated = 1 | 4;
    const int floats = p.add(Op::AsType, uint32, float32, {0}),
              share = p.add(Op::Multiply, float32, float32, {floats, 4});
    const int rounded = p.add(Op::AsType, float32, d, {share}), product = p.add(Op::Multiply, d, d, {rounded, 1});
    p.output(product, d)
        .output(p.add(Op::Less, d, bool_, {product, 3}), bool_)
        .output(p.add(Op::BitwiseXor, uint32, uint32, {0, 2}), uint32);
    for (const std::int64_t count : {1, 2, 3, 8, 61, 1000, 2047, 2048, 4100, 8198, 16384, 30000}) {
      const Shape shape{count};
      buffers.push_back(random_buffer(d, static_cast<std::size_t>(count) + 1, random));
      const runtime::View dense = buffers.back().view(shape, {1}, count % 3 == 0),
                          one = buffers.back().view(shape, {0});
      const runtime::View key = sliced(keys.view(), 0, 0, 2, 1);
      runtime::View backwards = keys.view();
      backwards.shape = {2};
      backwards.strides = {-2};
      backwards.data = keys.view().as<std::uint32_t>() + 3;
      cases.emplace_back(Call{p.p, shape, {key, dense, backwards, one}}, count % 4 ? 0 : 1);
      EXPECT_EQ(cases.back().plan.form.kind, KernelForm::Kind::halves);
    }
  }
  expect_interpreted(cases);
  if (!kernels::nvrtc_missing().empty()) return;
  for (std::size_t i = 0; i < cases.size(); i += 9)
    EXPECT_EQ(kernels::compile_text(cases[i].text, "sm_90").error, "") << cases[i].text;
}

// Beside an operand that is neither dense nor one element, words are loaded.
TEST(GeneratedProgram, ThatLoadsWords) {
  std::mt19937 random(7);
  const Shape shape{40, 30};
  Builder p({uint32, uint32});
  p.p.generated = 1;
  p.output(p.add(Op::Add, uint32, uint32, {0, 1}), uint32);
  Tensor key = Tensor::of<std::uint32_t>({2}, {1, 2});
  Buffer row = random_buffer(uint32, 30, random), result(uint32, 1200);
  const std::vector<runtime::View> in = {key.view(), row.view(shape, {0, 1})}, out = {result.view(shape)};
  kernels::Layout layout;
  kernels::lay_out_program(p.p, shape, in, out, layout);
  EXPECT_FALSE(kernels::generates(layout));
  EXPECT_EQ(layout.in[0].kind, kernels::Operand::Kind::dense);
}

TEST(GeneratedProgram, WithoutInputs) {
  std::vector<Case> cases;
  for (const Dtype d : {float32, bfloat16, bool_, complex64, int64}) {
    Builder p({}, {Scalar::of_float(1, d), Scalar::of_float(2.5, d)});
    p.output(p.add(Op::Maximum, d, d, {0, 1}), d).output(1, d);
    cases.emplace_back(Call{p.p, {3000}, {}}, 0);
  }
  expect_interpreted(cases);
  if (!kernels::nvrtc_missing().empty()) return;
  for (const Case& c : cases) EXPECT_EQ(kernels::compile_text(c.text, "sm_90").error, "");
}

// Operands that 32 bits do not reach across; of their memory only what is used is there.
TEST(GeneratedProgram, OffsetsOf64Bits) {
  using Kind = KernelForm::Kind;
  constexpr std::int64_t far = std::int64_t{1} << 32;
  constexpr std::size_t bytes = 3 * far;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) GTEST_SKIP() << "no room for " << bytes << " bytes";
  const std::vector<std::tuple<Shape, Strides, Kind>> layouts = {
      {{3, 70}, {far, 1}, Kind::rows},
      {{3, 5, 40}, {far, 200, 1}, Kind::rows},
      {{3, 5, 40}, {200, far / 2, 0}, Kind::rows},
      {{3, 50}, {far, 2}, Kind::strided},
      {{3, 2, 7}, {far, 1, 3}, Kind::strided},
      {{40, 3, 9}, {1, far, 100}, Kind::tiles},
  };
  std::mt19937 random(5);
  std::vector<Buffer> buffers;
  buffers.reserve(layouts.size());
  std::vector<Case> cases;
  for (const auto& [shape, strides, kind] : layouts) {
    buffers.push_back(random_buffer(uint8, static_cast<std::size_t>(element_count(shape)), random));
    runtime::View far_view{memory, uint8, shape, strides};
    for (std::int64_t i = 0; i < element_count(shape); ++i) {
      std::int64_t rest = i, offset = 0;
      for (std::size_t k = shape.size(); k-- > 0; rest /= shape[k]) offset += rest % shape[k] * strides[k];
      far_view.as<std::uint8_t>()[offset] = static_cast<std::uint8_t>(random());
    }
    cases.emplace_back(Call{three_operands(uint8), shape, {far_view, buffers.back().view(shape), far_view}}, 0);
    EXPECT_EQ(cases.back().plan.form.kind, kind) << to_string(shape);
    EXPECT_TRUE(cases.back().plan.form.wide);
  }
  expect_interpreted(cases);
  munmap(memory, bytes);
}

TEST(GeneratedProgram, IsCompiledForEveryArchitecture) {
  if (!kernels::nvrtc_missing().empty()) GTEST_SKIP() << kernels::nvrtc_missing();
  for (unsigned seed = 100; seed < 110; ++seed) {
    RandomCall call(seed);
    const Case c({call.program, call.shape, call.in}, seed % 2 ? 0 : 132);
    for (const char* architecture : {"compute_80", "compute_90", "compute_100"}) {
      const kernels::CompiledText compiled = kernels::compile_text(c.text, architecture);
      ASSERT_FALSE(compiled.code.empty()) << compiled.error << c.text;
    }
  }
}

// While NVRTC compiles, Ctrl-C is the program's as ever.
TEST(GeneratedProgram, LeavesSignalsAlone) {
  if (!kernels::nvrtc_missing().empty()) GTEST_SKIP() << kernels::nvrtc_missing();
  std::string text;
  for (int i = 0; i < 200; ++i) text += "__global__ void f" + std::to_string(i) + "(int* x) { x[threadIdx.x] += 1; }\n";
  std::atomic<bool> done = false;
  std::thread compiles([&] {
    EXPECT_EQ(kernels::compile_text(text, "compute_90").error, "");
    done = true;
  });
  struct sigaction before, now;
  ASSERT_EQ(sigaction(SIGINT, nullptr, &before), 0);
  bool changed = false;
  do {
    sigaction(SIGINT, nullptr, &now);
    changed = changed || now.sa_handler != before.sa_handler;
  } while (!done);
  compiles.join();
  EXPECT_FALSE(changed);
}

// Every operation of the tables has a functor that NVRTC accepts, in each lane.
TEST(GeneratedProgram, OfEveryOperation) {
  if (!kernels::nvrtc_missing().empty()) GTEST_SKIP() << kernels::nvrtc_missing();
  for (int v = 0; v < dtype_count; ++v) {
    const Dtype d(static_cast<Dtype::Val>(v));
    Builder p({d, d});
    const auto add = [&](Op op, const std::string& rule) {
      if (!kernels::accepts(op, graph::lane_of(d))) return;
      const Dtype to = rule == "boolean" ? bool_ : rule == "real" && d == complex64 ? float32 : d;
      p.output(graph::is_binary(op) ? p.add(op, d, to, {0, 1}) : p.add(op, d, to, {0}), to);
    };
#define ANABRANCH_ADD(Opcode, function, rule, ...) add(Op::Opcode, #rule);
    ANABRANCH_UNARY_OPS(ANABRANCH_ADD)
    ANABRANCH_BINARY_OPS(ANABRANCH_ADD)
#undef ANABRANCH_ADD
    const kernels::CompiledText compiled = kernels::compile_text(kernels::generate(p.p, KernelForm{}), "compute_90");
    ASSERT_FALSE(compiled.code.empty()) << compiled.error;
  }
}

// Programs of long functions call them: printed once for each element on its way they would take minutes to compile.
TEST(GeneratedProgram, OfManyLongFunctions) {
  Builder p({float32});
  int last = 0;
  for (int i = 0; i < 250; ++i) {
    last = i % 2 ? p.add(Op::Sin, float32, float32, {last}) : p.add(Op::Power, float32, float32, {last, 0});
  }
  p.output(last, float32);
  const Shape shape{1000};
  Buffer x(float32, 1000);
  std::vector<Case> cases;
  cases.emplace_back(Call{p.p, shape, {x.view(shape)}}, 0);
  EXPECT_TRUE(cases[0].plan.form.calls);
  expect_interpreted(cases);
  if (!kernels::nvrtc_missing().empty()) return;
  EXPECT_LT(kernels::compile_text(cases[0].text, "sm_90").code.size(), std::size_t{1} << 20);
}

TEST(Nvrtc, SaysWhatIsWrong) {
  if (!kernels::nvrtc_missing().empty()) GTEST_SKIP() << kernels::nvrtc_missing();
  const kernels::CompiledText compiled =
      kernels::compile_text("extern \"C\" __global__ void program() { what; }", "sm_90");
  EXPECT_TRUE(compiled.code.empty());
  EXPECT_NE(compiled.error.find("\"what\" is undefined"), std::string::npos) << compiled.error;
}

}  // namespace
}  // namespace anabranch
