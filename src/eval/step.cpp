// How a step runs: binds its operands to memory, has the backend launch it, and publishes the results or the failure.
#include <algorithm>
#include <cstring>

#include "eval/plan.h"
#include "runtime/backend.h"
#include "runtime/creation.h"
#include "runtime/stream_state.h"

namespace anabranch::evaluation {

using graph::Operation;
using runtime::BufferRef;
using runtime::Failure;

namespace {

// What a failed operand reads as while its healthy neighbours in a fused step are computed.
const std::uint64_t zero = 0;

std::size_t bytes_of(const Operation& op) {
  return static_cast<std::size_t>(element_count(op.shape)) * op.dtype.size();
}

std::string name_of(const Step& step) {
  if (!step.fused) return graph::op_name(step.outputs.front()->op);
  std::string name;
  for (std::size_t i = 0; i < step.program.instructions.size() && i < 4; ++i)
    name += (i ? ", " : "") + std::string(graph::op_name(step.program.instructions[i].op));
  if (step.program.instructions.size() > 4) name += ", ...";
  return name.empty() ? "full" : name;
}

}  // namespace

// Gives the failures of the inputs to the outputs that depend on them; whether any output is left to compute.
bool Step::spread_poison() {
  poison_.resize(outputs.size());
  SmallVector<Ref<Failure>, 4> failed(inputs.size());
  bool any = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Operation* base = graph::base_of(inputs[i].get());
    base->result.read();
    failed[i] = base->failure;
    // Neither a value nor a failure: it was being computed when this process was forked off.
    if (!failed[i] && !base->buffer)
      failed[i] = Ref<Failure>::adopt(new Failure(std::make_exception_ptr(
          std::runtime_error("The array was being computed by another process when this one was forked off."))));
    any |= static_cast<bool>(failed[i]);
  }
  if (!any) return true;
  if (!fused) {
    for (const auto& f : failed)
      if (f && !poison_[0]) poison_[0] = f;
    return false;
  }
  std::vector<Ref<Failure>> values(failed.begin(), failed.end());
  values.resize(program.inputs.size() + program.constants.size());
  for (const auto& instruction : program.instructions) {
    Ref<Failure> f;
    for (int k = 0; k < instruction.operands && !f; ++k) f = values[instruction.operand[k]];
    values.push_back(std::move(f));
  }
  bool left = false;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    poison_[i] = values[program.outputs[i].value];
    left |= !poison_[i];
  }
  return left;
}

Step::Views Step::bind_inputs() const {
  Views views;
  for (const auto& node : inputs) {
    const Operation* base = graph::base_of(node.get());
    runtime::View& view = views.emplace_back();
    view.dtype = node->dtype;
    view.shape = fused ? domain : node->shape;
    if (!base->buffer) {
      view.data = const_cast<std::uint64_t*>(&zero);
      view.strides.resize(view.shape.size());
      continue;
    }
    base->buffer->contents.read();
    view.data = static_cast<char*>(base->buffer->data) + graph::offset_of(node.get()) * node->dtype.size();
    view.strides = graph::strides_of(node.get());
    if (fused) view.strides = broadcast_strides(node->shape, view.strides, domain);
  }
  return views;
}

// Whether an output is this input in another dtype. The kernel may read it last of all, after other outputs are
// written.
bool Step::is_repeated(std::size_t input) const {
  const std::size_t first_result = program.inputs.size() + program.constants.size();
  for (const auto& output : program.outputs) {
    std::size_t value = output.value;
    while (value >= first_result && program.instructions[value - first_result].op == graph::Op::AsType)
      value = program.instructions[value - first_result].operand[0];
    if (value == input) return true;
  }
  return false;
}

// The memory of an input that nobody else knows of, if `output` may overwrite it.
BufferRef Step::donated(const Operation& output, std::size_t bytes) {
  const std::size_t candidates =
      fused ? inputs.size() : output.op == graph::Op::SliceUpdate || output.op == graph::Op::Scatter;
  for (std::size_t i = 0; i < candidates; ++i) {
    const graph::Node* node = inputs[i].get();
    if (node->is_view || node->dtype != output.dtype || !(node->shape == output.shape)) continue;
    if (fused && outputs.size() > 1 && is_repeated(i)) continue;
    const Operation* base = graph::base_of(node);
    // One reference each: this step's to the node, the node's to the buffer.
    if (node->references.load(std::memory_order_acquire) != 1 || !base->buffer || base->buffer->size < bytes ||
        base->buffer->references.load(std::memory_order_acquire) != 1 || runtime::is_foreign(base->buffer.get()))
      continue;
    return base->buffer;
  }
  return {};
}

Step::Views Step::bind_outputs() {
  Views views;
  for (const auto& op : outputs) {
    const std::size_t bytes = bytes_of(*op);
    BufferRef buffer = donated(*op, bytes);
    if (!buffer) buffer = runtime::allocate(bytes);
    buffer->contents.write();
    views.push_back({buffer->data, op->dtype, op->shape, contiguous_strides(op->shape)});
    buffers_.push_back(std::move(buffer));
  }
  return views;
}

void Step::start(runtime::Launch& launch) {
  if (!spread_poison()) return;
  const Views in = bind_inputs(), out = bind_outputs();
  if (outputs.empty() || element_count(domain) == 0) return;
  runtime::Backend& backend = runtime::backend_for(stream->device, "eval", "run on gpu device");
  if (fused) {
    backend.launch_program(program, domain, {in.data(), in.size()}, {out.data(), out.size()}, launch);
  } else {
    const auto& attributes = outputs.front()->attributes;
    backend.launch_kernel(outputs.front()->op,
                          {{in.data(), in.size()}, {out.data(), out.size()}, attributes ? attributes->get() : nullptr},
                          launch);
  }
}

void Step::finish(std::exception_ptr exception) noexcept {
  // All chunks are done, whoever ran them: from here on the memory is for others.
  for (const auto& node : inputs)
    if (const auto& buffer = graph::base_of(node.get())->buffer) buffer->contents.read();
  for (const auto& buffer : buffers_) buffer->contents.write();
  Ref<Failure> failure;
  if (exception) {
    std::string where = to_string(Stream(stream));
    // Where memory for an output was refused, that one is at fault.
    const std::size_t at_fault = buffers_.size() < outputs.size() ? buffers_.size() : 0;
    if (!outputs.empty()) {
      const std::string line = runtime::creation_of(outputs[at_fault].get());
      if (!line.empty()) where += ", created at " + line;
    }
    failure = Ref<Failure>::adopt(new Failure(runtime::explain(exception, name_of(*this), where)));
    stream->remember_failure(failure);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Operation& op = *outputs[i];
    op.result.write();
    if (i < poison_.size() && poison_[i]) op.failure = poison_[i];
    else if (failure) op.failure = failure;
    else op.buffer = std::move(buffers_[i]);
  }
}

}  // namespace anabranch::evaluation
