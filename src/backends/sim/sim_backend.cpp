#include "backends/sim/sim_backend.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "backends/sim/machine.h"
#include "graph/opcode.h"
#include "kernels/cpu_kernels.h"
#include "kernels/elementwise/run.h"
#include "runtime/machine.h"

namespace anabranch::backends {
namespace {

using runtime::View;
using sim::Line;
using sim::Machine;

// A device's address is a host address moved to where the processor accepts none (bits 48 to 54 of a host address are
// zero): host code that touches it faults at once. It names its device, so that another one's kernel does not read it
// unnoticed.
constexpr int tag_shift = 48;
constexpr std::uintptr_t tag_mask = std::uintptr_t{0x7f} << tag_shift;

std::uintptr_t tag_of(int device) { return static_cast<std::uintptr_t>(0x40 + device) << tag_shift; }

void* to_device(void* host, int device) {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(host) | tag_of(device));
}

bool is_tagged(const void* address) { return (reinterpret_cast<std::uintptr_t>(address) & tag_mask) != 0; }

void* any_to_host(const void* address) {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(address) & ~tag_mask);
}

void* to_host(const void* address, int device) {
  if ((reinterpret_cast<std::uintptr_t>(address) & tag_mask) != tag_of(device))
    throw std::logic_error("A kernel on simulated GPU " + std::to_string(device) +
                           " was given memory that is not its own.");
  return any_to_host(address);
}

class SimMemory final : public runtime::MemorySource {
 public:
  explicit SimMemory(int device) : device_(device) {}
  void* allocate(std::size_t bytes) override {
    void* p = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p) return nullptr;
    Machine::get().allocated(p, bytes);
    return to_device(p, device_);
  }
  void free(void* data, std::size_t) override {
    void* p = to_host(data, device_);
    Machine::get().freed(p);
    std::free(p);
  }

 private:
  int device_;
};

class SimQueue final : public runtime::Queue {
 public:
  explicit SimQueue(int device) : line_(Machine::get().open(device)) {}
  ~SimQueue() override { Machine::get().close(line_); }

  int device() const { return line_->device; }
  // `reads` and `writes`: what of the devices' memory, by the host's address.
  void run(std::function<void()> f, std::vector<const void*> reads, std::vector<const void*> writes) {
    Line::Command command;
    command.run = std::move(f);
    command.reads = std::move(reads);
    command.writes = std::move(writes);
    Machine::get().add(line_, std::move(command));
  }

  void wait(runtime::Queue& other, std::uint64_t value) override {
    other.flush();
    Line::Command command;
    command.other = static_cast<SimQueue&>(other).line_;
    command.value = value;
    Machine::get().add(line_, std::move(command));
  }
  void copy(void* to, const void* from, std::size_t bytes) override {
    auto on_device = [](const void* p) {
      return is_tagged(p) ? std::vector<const void*>{any_to_host(p)} : std::vector<const void*>{};
    };
    run(
        [=] {
          runtime::delay(static_cast<std::int64_t>(2000 + bytes / 16));
          std::memcpy(any_to_host(to), any_to_host(from), bytes);
        },
        on_device(from), on_device(to));
  }
  void signal(std::uint64_t value, Ref<runtime::StreamState> stream) override {
    Machine::get().signal(*line_, value, std::move(stream));
  }
  void flush() noexcept override {
    try {
      Machine::get().flush(line_);
    } catch (const DeviceLost&) {  // which has told the stream
    }
  }
  std::uint64_t reached() const override { return line_->reached.load(std::memory_order_relaxed); }
  std::exception_ptr take_failure(std::uint64_t value) override { return Machine::get().take_failure(*line_, value); }
  std::int64_t spin_ns() const override { return 20'000; }
  std::exception_ptr lost() const override { return Machine::get().lost(line_->device); }

 private:
  const std::shared_ptr<Line> line_;
};

std::vector<View> on_host(std::span<const View> views, int device) {
  std::vector<View> out(views.begin(), views.end());
  for (View& v : out) v.data = to_host(v.data, device);
  return out;
}

std::vector<const void*> addresses(std::span<const View> views, int device) {
  std::vector<const void*> out;
  for (const View& v : views)
    if (element_count(v.shape) > 0) out.push_back(to_host(v.data, device));
  return out;
}

void run_phases(runtime::Launch& launch) {
  for (auto& phase : launch.phases())
    for (std::size_t chunk = 0; chunk < phase.chunks; ++chunk) phase.run(chunk);
}

// Puts the words that a program generates in the places of their keys.
std::vector<std::vector<std::uint32_t>> generate(const graph::Program& program, const Shape& shape,
                                                 std::vector<View>& in) {
  std::vector<std::vector<std::uint32_t>> words;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!program.is_generated(i)) continue;
    words.emplace_back(static_cast<std::size_t>(element_count(shape)));
    const View to{words.back().data(), uint32, shape, contiguous_strides(shape)};
    runtime::Launch local;
    kernels::random_bits_cpu({{&in[i], 1}, {&to, 1}, nullptr}, local);
    run_phases(local);
    in[i] = to;
  }
  return words;
}

class SimBackend final : public runtime::Backend {
 public:
  explicit SimBackend(int devices) {
    for (int i = 0; i < devices; ++i) memory_.emplace_back(i);
    Machine::get();  // made by who opens the backend, which no fork comes in between
  }

  int device_count() const override { return static_cast<int>(memory_.size()); }

  runtime::DeviceInfo describe(int index) const override {
    return {{"device_name", "simulated GPU " + std::to_string(index)},
            {"architecture", std::string("simulated")},
            {"memory_size", runtime::memory_size()}};
  }

  runtime::MemorySource* memory(int index) override { return &memory_[static_cast<std::size_t>(index)]; }
  runtime::MemorySource* host_memory() override { return nullptr; }
  int most_urgent(int) const override { return 0; }
  std::unique_ptr<runtime::Queue> open_queue(int index, int) override { return std::make_unique<SimQueue>(index); }
  void forked() override { Machine::get().forked(); }

  // The device computes with the CPU's kernels. What they are given lives until the submission is finished, but for
  // the views.
  void launch_kernel(graph::Op op, const runtime::KernelCall& call, runtime::Launch& launch) override {
    const runtime::CpuKernel kernel = kernels::cpu_kernel(op);
    if (!kernel) throw NotSupported("[" + std::string(graph::op_name(op)) + "] has no kernel on the simulated GPU.");
    SimQueue& queue = static_cast<SimQueue&>(launch.queue());
    queue.run(
        [kernel, device = queue.device(), attributes = call.attributes,
         in = std::vector<View>(call.in.begin(), call.in.end()),
         out = std::vector<View>(call.out.begin(), call.out.end())] {
          const std::vector<View> from = on_host(in, device), to = on_host(out, device);
          runtime::Launch local;
          kernel({from, to, attributes}, local);
          run_phases(local);
        },
        addresses(call.in, queue.device()), addresses(call.out, queue.device()));
  }

  bool generates(graph::Op op) const override { return op == graph::Op::RandomBits; }

  void launch_program(const graph::Program& program, const Shape& shape, std::span<const View> in,
                      std::span<const View> out, runtime::Launch& launch) override {
    SimQueue& queue = static_cast<SimQueue&>(launch.queue());
    queue.run(
        [&program, shape, device = queue.device(), in = std::vector<View>(in.begin(), in.end()),
         out = std::vector<View>(out.begin(), out.end())] {
          std::vector<View> from = on_host(in, device);
          const std::vector<View> to = on_host(out, device);
          const auto words = generate(program, shape, from);
          runtime::Launch local;
          kernels::run_program_cpu(program, shape, from, to, local);
          run_phases(local);
        },
        addresses(in, queue.device()), addresses(out, queue.device()));
  }

 private:
  std::vector<SimMemory> memory_;
};

}  // namespace

std::unique_ptr<runtime::Backend> make_sim_backend(int devices) { return std::make_unique<SimBackend>(devices); }

}  // namespace anabranch::backends
