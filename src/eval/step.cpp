// How a step runs: binds its operands to memory, has the backend launch it, and publishes the results or the failure.
#include <algorithm>
#include <cstring>

#include "eval/plan.h"
#include "runtime/arena.h"
#include "runtime/backend.h"
#include "runtime/creation.h"
#include "runtime/stream_state.h"

namespace anabranch::evaluation {

using graph::Operation;
using runtime::BufferRef;
using runtime::Failure;

namespace {

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

// `cause` as readers are thrown it: with the operation's name and where it ran and was made.
std::exception_ptr explain(std::exception_ptr cause, const std::string& name, const Ref<runtime::StreamState>& stream,
                           const Operation* made) {
  // Streams' numbers, and so the texts, differ from one schedule to the next.
  const runtime::NewMayFail not_here(false);
  std::string where = to_string(Stream(stream));
  const std::string line = runtime::creation_of(made);
  if (!line.empty()) where += ", created at " + line;
  return runtime::explain(std::move(cause), name, where);
}

// How many references to `base` the inputs hold, directly or through views that nobody else has.
std::uint32_t references_of(const SmallVector<graph::NodeRef, 4>& inputs, const Operation* base) {
  std::uint32_t n = 0;
  for (const auto& node : inputs)
    if (graph::base_of(node.get()) == base)
      n += !node->is_view || node->references.load(std::memory_order_acquire) == 1;
  return n;
}

// Whether `own` references are all there are: nobody else can read the value of `base`, since nobody has a handle to
// get one from. On a device the step that computes it may be in flight and know it too; it counts as long as it is
// marked. Who counts after that step has let go of its reference, and acquires that, sees that the mark is gone.
bool is_known_to_nobody_else(const Operation* base, std::uint32_t own) {
  const std::uint32_t references = base->references.load(std::memory_order_acquire);
  return references == own || (references == own + 1 && base->in_flight.load(std::memory_order_relaxed));
}

// Whether its memory is a device's of our own, which can be used anew in the device's order. What lies on the host, or
// is somebody else's, has no such order: a step that reads it keeps it until its end.
bool is_in_order(const Operation* base) {
  return base->buffer && base->buffer->arena && &graph::home_of(base) != &runtime::host_arena();
}

}  // namespace

std::exception_ptr lost_in_fork(const Operation& op) {
  return explain(std::make_exception_ptr(std::runtime_error(
                     "The array was being computed by another process when this one was forked off.")),
                 graph::op_name(op.op), op.stream, &op);
}

// Gives the failures of the inputs to the outputs that depend on them; whether any output is left to compute.
bool Step::spread_poison() {
  poison_.resize(outputs.size());
  SmallVector<Ref<Failure>, 4> failed(inputs.size());
  bool any = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Operation* base = graph::base_of(inputs[i].get());
    if (!issued_) base->result.read();
    failed[i] = base->failure.get();
    if (!failed[i] && !base->buffer && !issued_) failed[i] = Ref<Failure>::adopt(new Failure(lost_in_fork(*base)));
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

Step::Views Step::bind_inputs(const Views& out) const {
  Views views;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto& node = inputs[i];
    const Operation* base = graph::base_of(node.get());
    runtime::View& view = views.emplace_back();
    view.dtype = node->dtype;
    const bool spread = fused && !program.is_generated(i);
    view.shape = spread ? domain : node->shape;
    if (!base->buffer) {
      // It has failed; its healthy neighbours in the fused step are computed with any element in its place.
      view.data = out.front().data;
      view.strides.resize(view.shape.size());
      continue;
    }
    base->buffer->contents.read();
    view.data = static_cast<char*>(base->buffer->data) + graph::offset_of(node.get()) * node->dtype.size();
    view.strides = graph::strides_of(node.get());
    if (spread) view.strides = broadcast_strides(node->shape, view.strides, domain);
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
    if (fused && program.is_generated(i)) continue;  // a key, which every thread reads
    if (fused && outputs.size() > 1 && is_repeated(i)) continue;
    const Operation* base = graph::base_of(node);
    // The node's reference to the buffer must be the only one, too.
    if (!is_known_to_nobody_else(base, 1) || !base->buffer || base->buffer->size < bytes ||
        base->buffer->references.load(std::memory_order_acquire) != 1 ||
        base->buffer->lent.load(std::memory_order_relaxed) ||
        base->buffer->arena != &stream->arena())  // another device's, or foreign
      continue;
    return base->buffer;
  }
  return {};
}

Step::Views Step::bind_outputs(runtime::Launch& launch) {
  Views views;
  for (const auto& op : outputs) {
    const std::size_t bytes = bytes_of(*op);
    BufferRef buffer = donated(*op, bytes);
    if (!buffer) buffer = launch.allocate(bytes);
    if (!stream->queue()) buffer->contents.write();
    views.push_back({buffer->data, op->dtype, op->shape, contiguous_strides(op->shape)});
    buffers_.push_back(std::move(buffer));
  }
  return views;
}

void Step::start(runtime::Launch& launch) {
  if (!spread_poison()) return;
  try {
    begin(launch);
  } catch (const runtime::OutOfMemory&) {
    at_fault_ = buffers_.size() < outputs.size() ? buffers_.size() : 0;
    for (auto& b : buffers_) runtime::Arena::undo(std::move(b));
    buffers_.clear();
    poison_.clear();
    throw;
  }
}

void Step::begin(runtime::Launch& launch) {
  if (outputs.empty()) return;
  if (stream->queue()) note_reads();
  if (outputs.front()->op == graph::Op::Transfer) return transfer(launch);
  const Views out = bind_outputs(launch), in = bind_inputs(out);
  if (element_count(domain) == 0) return;
  const runtime::NewMayFail not_in_kernels(false);  // what they keep for the next call, schedules would depend on
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

// The device is about to use the inputs until this step's end: noted before it is, since there may be no memory to.
void Step::note_reads() const {
  const Event end(stream, done_at_);
  for (const auto& node : inputs)
    if (const Operation* base = graph::base_of(node.get()); is_in_order(base))
      base->buffer->arena->note_use(base->buffer.get(), end);
}

void Step::transfer(runtime::Launch& launch) {
  const Operation& to = *outputs.front();
  const std::size_t bytes = bytes_of(to);
  runtime::Arena& arena = graph::home_of(&to);
  const bool lands = &arena == &runtime::host_arena();
  BufferRef to_here = &arena == &stream->arena() ? launch.allocate(bytes)
                      : lands                    ? runtime::landing_arena(stream->device.type).allocate(bytes)
                                                 : arena.allocate(bytes);
  runtime::Arena::expect_use(to_here.get());
  buffers_.push_back(std::move(to_here));
  const graph::Node* node = inputs.front().get();  // dense
  const char* from = static_cast<const char*>(graph::base_of(node)->buffer->data) +
                     graph::offset_of(node) * static_cast<std::int64_t>(node->dtype.size());
  if (bytes) launch.queue().copy(buffers_.front()->data, from, bytes);
}

// Gives the outputs their memory, or their failures.
void Step::publish(const std::exception_ptr& exception) {
  Ref<Failure> failure;
  if (exception && !failed_) {
    failed_ = true;
    const Operation* made = outputs.empty() ? nullptr : outputs[at_fault_].get();
    try {
      failure = Ref<Failure>::adopt(new Failure(explain(exception, name_of(*this), stream, made)));
    } catch (const std::bad_alloc&) {
      failure = runtime::undescribed_failure();
    }
    stream->remember_failure(failure);
    if (made && made->op == graph::Op::Transfer) forget_replica(graph::base_of(inputs.front().get()), made);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Operation& op = *outputs[i];
    if (!op.in_flight.load(std::memory_order_relaxed)) op.result.write();
    if (i < poison_.size() && poison_[i]) op.failure.set(poison_[i]);
    else if (failure) op.failure.set(failure);
    else if (i < buffers_.size()) op.buffer = std::move(buffers_[i]);
  }
  buffers_.clear();
}

// On a device. What was computed may yet turn out to have failed: finish().
void Step::issued(const std::exception_ptr& failure) noexcept {
  // The device may be using all this, also where adding its commands failed half-way.
  issued_ = true;
  const Event end(stream, done_at_);
  for (const auto& b : buffers_)
    if (b->arena) b->arena->note_use(b.get(), end);
  for (const auto& node : inputs) {
    Operation* base = graph::base_of(node.get());
    // An intermediate result that nobody else can read: the device alone needs its memory, in its own order.
    if (is_in_order(base) && is_known_to_nobody_else(base, references_of(inputs, base))) base->buffer = {};
  }
  publish(failure);
  for (const auto& op : outputs) op->in_flight.store(true, std::memory_order_relaxed);
}

void Step::finish(std::exception_ptr failure) noexcept {
  try {
    if (issued_) spread_poison();    // what the device found out since
  } catch (const std::bad_alloc&) {  // what depends on it is not known: all fails
    if (!failure) failure = std::current_exception();
  }
  publish(failure);
  if (issued_)
    for (const auto& op : outputs) op->in_flight.store(false, std::memory_order_relaxed);
}

}  // namespace anabranch::evaluation
