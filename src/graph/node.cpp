#include "graph/node.h"

#include <cstring>
#include <vector>

#include "anabranch/error.h"
#include "graph/program.h"
#include "runtime/arena.h"
#include "runtime/creation.h"
#include "runtime/stream_state.h"

namespace anabranch {
namespace graph {
namespace {

void end(Node* node) {
  if (node->is_view) delete static_cast<View*>(node);
  else delete static_cast<Operation*>(node);
}

// Deletes a node and, without recursion, all that it alone keeps alive: chains can be millions of nodes long.
void destroy(Node* node) {
  ANABRANCH_THREAD_LOCAL(std::vector<Node*>*, pending);
  if (pending) {
    try {
      pending->push_back(node);
      return;
    } catch (const std::bad_alloc&) {  // then here, a level deeper
    }
    return end(node);
  }
  std::vector<Node*> stack;
  pending = &stack;
  while (node) {
    end(node);
    node = nullptr;
    if (!stack.empty()) {
      node = stack.back();
      stack.pop_back();
    }
  }
  pending = nullptr;
}

}  // namespace

View::View(Ref<Operation> b, Shape s, Strides st, std::int64_t o)
    : Node(b->op, b->dtype, true, std::move(s)), base(std::move(b)), strides(std::move(st)), offset(o) {}

Operation::Operation(Op o, Dtype d, Shape s, Ref<runtime::StreamState> st, std::unique_ptr<const Attributes> a)
    : Node(o, d, false, std::move(s)), attributes(std::move(a)), stream(std::move(st)) {
  runtime::created(this);
}

Operation::Operation(Dtype d, Shape s, runtime::BufferRef b)
    : Node(Op::Leaf, d, false, std::move(s)), state(State::Ready), buffer(std::move(b)) {}

Operation::~Operation() { runtime::gone(this); }

void retain(Node* n) noexcept { n->references.fetch_add(1, std::memory_order_relaxed); }
void release(Node* n) noexcept {
  if (n->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(n);
}

runtime::Arena& home_of(const Operation* op) {
  if (!op->stream) return runtime::host_arena();
  if (op->op == Op::Transfer) return *static_cast<const TransferAttrs*>(op->attributes->get())->to;
  return op->stream->arena();
}

void retain(Operation* n) noexcept { retain(static_cast<Node*>(n)); }
void release(Operation* n) noexcept { release(static_cast<Node*>(n)); }

namespace {

array wrap(Node* fresh) { return array(NodeRef::adopt(fresh)); }

}  // namespace

array elementwise(Op op, const Shape& shape, Dtype dtype, std::initializer_list<const array*> inputs,
                  const Stream& stream) {
  auto* node = new Operation(op, dtype, shape, stream.state(), nullptr);
  for (const array* a : inputs) node->inputs.push_back(a->node());
  return wrap(node);
}

array full(const Shape& shape, Scalar value, const Stream& stream) {
  // Scalars repeat: `x + 1` in a loop. One that is still only a constant serves again.
  ANABRANCH_THREAD_LOCAL(Ref<Operation>, last);
  const bool scalar = shape.empty();
  if (scalar && last && last->scalar.u == value.u && last->dtype == value.dtype && last->stream == stream.state() &&
      last->state.load(std::memory_order_relaxed) == Operation::State::Lazy)
    return array(NodeRef(last.get()));
  auto* node = new Operation(Op::Full, value.dtype, shape, stream.state(), nullptr);
  node->scalar = value;
  if (scalar) last = Ref<Operation>(node);
  return wrap(node);
}

array operation(Op op, const Shape& shape, Dtype dtype, SmallVector<NodeRef, 3> inputs, const Stream& stream,
                std::unique_ptr<const Attributes> attributes) {
  auto* node = new Operation(op, dtype, shape, stream.state(), std::move(attributes));
  node->inputs = std::move(inputs);
  return wrap(node);
}

array adopted(void* data, const Shape& shape, Dtype dtype, bool read_only, const Event& ready,
              std::function<void(void*)> deleter) {
  const std::size_t bytes = static_cast<std::size_t>(element_count(shape)) * dtype.size();
  auto* node = new Operation(Op::Leaf, dtype, shape, ready.stream(), nullptr);
  array a = wrap(node);
  node->buffer = runtime::adopt(data, bytes, std::move(deleter));
  node->buffer->read_only = read_only;
  node->done_at = ready.value();
  node->pinned.store(true, std::memory_order_relaxed);
  node->state.store(Operation::State::Scheduled, std::memory_order_release);
  return a;
}

array view(const array& a, const Shape& shape, const Strides& strides, std::int64_t offset) {
  Node* n = a.node().get();
  return wrap(new View(Ref<Operation>(base_of(n)), shape, strides, offset_of(n) + offset));
}

}  // namespace graph

using namespace graph;

namespace {

Node* leaf(const Shape& shape, Dtype dtype, runtime::BufferRef buffer) {
  return new Operation(dtype, shape, std::move(buffer));
}

}  // namespace

array::array(const void* data, const Shape& shape, Dtype dtype) {
  const std::size_t bytes = static_cast<std::size_t>(element_count(shape)) * dtype.size();
  auto buffer = runtime::allocate_or_wait(bytes);
  if (bytes) std::memcpy(buffer->data, data, bytes);
  node_ = NodeRef::adopt(leaf(shape, dtype, std::move(buffer)));
}

array::array(void* data, const Shape& shape, Dtype dtype, std::function<void(void*)> deleter) {
  const std::size_t bytes = static_cast<std::size_t>(element_count(shape)) * dtype.size();
  node_ = NodeRef::adopt(leaf(shape, dtype, runtime::adopt(data, bytes, std::move(deleter))));
}

array::array(const array& other, Dtype dtype) : node_(other.node_) {
  if (dtype != other.dtype()) node_ = elementwise(Op::AsType, other.shape(), dtype, {&other}, to_stream()).node_;
}

const Shape& array::shape() const { return node_->shape; }
std::size_t array::size() const { return static_cast<std::size_t>(element_count(node_->shape)); }
Dtype array::dtype() const { return node_->dtype; }
Strides array::strides() const { return strides_of(node_.get()); }
bool array::is_row_contiguous() const {
  return !node_->is_view || anabranch::is_row_contiguous(node_->shape, static_cast<const View*>(node_.get())->strides);
}

bool array::is_scheduled() const {
  return base_of(node_.get())->state.load(std::memory_order_acquire) != Operation::State::Lazy;
}

bool array::is_available() const {
  const Operation* base = base_of(node_.get());
  switch (base->state.load(std::memory_order_acquire)) {
    case Operation::State::Lazy: return false;
    case Operation::State::Ready: return true;
    case Operation::State::Scheduled: break;
  }
  base->planning.read();
  return Event(base->stream, base->done_at).query();
}

Event array::event() const {
  const Operation* base = base_of(node_.get());
  switch (base->state.load(std::memory_order_acquire)) {
    case Operation::State::Lazy:
      throw std::invalid_argument("[array.event] The array has not been scheduled: evaluate it.");
    case Operation::State::Ready: return Event();
    case Operation::State::Scheduled: break;
  }
  base->planning.read();
  return Event(base->stream, base->done_at);
}

template <typename T>
T array::item() const {
  if (size() != 1)
    throw std::invalid_argument("[item] Expected an array of one element, got one of shape " + to_string(shape()) +
                                ".");
  const void* data = data_ptr();
  return dispatch_dtype(dtype(), [&](auto* type) -> T {
    using U = std::remove_pointer_t<decltype(type)>;
    const U value = *static_cast<const U*>(data);
    if constexpr (std::is_same_v<T, U>) {
      return value;
    } else if constexpr (std::is_same_v<U, complex64_t>) {
      return static_cast<T>(value.real());
    } else if constexpr (std::is_same_v<U, float16_t> || std::is_same_v<U, bfloat16_t>) {
      return static_cast<T>(static_cast<float>(value));
    } else if constexpr (std::is_same_v<T, complex64_t> || std::is_same_v<T, float16_t> ||
                         std::is_same_v<T, bfloat16_t>) {
      return T(static_cast<float>(value));
    } else {
      return static_cast<T>(value);
    }
  });
}

#define ANABRANCH_ITEM(T) template T array::item<T>() const;
ANABRANCH_ITEM(bool)
ANABRANCH_ITEM(std::uint8_t)
ANABRANCH_ITEM(std::uint16_t)
ANABRANCH_ITEM(std::uint32_t)
ANABRANCH_ITEM(std::uint64_t)
ANABRANCH_ITEM(std::int8_t)
ANABRANCH_ITEM(std::int16_t)
ANABRANCH_ITEM(std::int32_t)
ANABRANCH_ITEM(std::int64_t)
ANABRANCH_ITEM(float16_t)
ANABRANCH_ITEM(float)
ANABRANCH_ITEM(double)
ANABRANCH_ITEM(bfloat16_t)
ANABRANCH_ITEM(complex64_t)
#undef ANABRANCH_ITEM

}  // namespace anabranch
