// The lazy graph. A Node is either an Operation, which computes (or holds) a dense row-major value, or a View, which
// reads an Operation's value through other strides. Layouts are thus known before anything is evaluated, and the
// evaluator never meets a view of a view.
//
// Who may touch what: everything set by the constructors is immutable, but for the fields below that say otherwise.
// "Plan lock" is eval's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "anabranch/array.h"
#include "graph/attributes.h"
#include "graph/opcode.h"
#include "runtime/failure.h"
#include "runtime/memory.h"
#include "runtime/slab.h"
#include "runtime/sync.h"

namespace anabranch::graph {

struct Operation;

// Type-erased attributes of an irregular operation.
struct Attributes {
  virtual ~Attributes() = default;
  virtual const void* get() const = 0;
};
template <typename A>
struct AttributesOf final : Attributes {
  explicit AttributesOf(A a) : value(std::move(a)) {}
  const void* get() const override { return &value; }
  A value;
};

struct Node {
  mutable runtime::Atomic<std::uint32_t> references{1};
  const Op op;  // the operation, or Op::Leaf; a View has that of its base
  const Dtype dtype;
  const bool is_view;
  const Shape shape;

 protected:
  Node(Op o, Dtype d, bool view, Shape s) : op(o), dtype(d), is_view(view), shape(std::move(s)) {}
};

struct View final : Node {
  const Ref<Operation> base;
  const Strides strides;
  const std::int64_t offset;  // elements from the base's first one

  View(Ref<Operation> b, Shape s, Strides st, std::int64_t o);
};

struct Operation final : Node {
  enum class State : std::uint8_t {
    Lazy,       // nothing asked for it yet
    Scheduled,  // handed to `stream` as its `done_at`-th submission
    Ready,      // has its buffer, and always had (a leaf)
  };

  // Set under the plan lock, read anywhere with acquire order.
  runtime::Atomic<State> state{State::Lazy};
  [[no_unique_address]] runtime::AccessCheck planning{"what the plan lock guards of an operation"};
  // Plan lock only. `mark` is the collect pass or the fusion group that met this node last; `value` its number in that
  // group's program, `uses` how many operands there read it.
  std::uint32_t mark = 0;
  std::uint16_t value = 0;
  // Somebody can write to the value's memory: copies of it elsewhere are for one reader each. Set and read anywhere.
  runtime::Atomic<bool> pinned{false};
  // With a device: the step that computes it holds a reference.
  runtime::Atomic<bool> in_flight{false};
  std::uint32_t uses = 0;

  Scalar scalar;  // Op::Full
  // Given up at scheduling (plan lock); before that immutable.
  SmallVector<NodeRef, 3> inputs;
  const std::unique_ptr<const Attributes> attributes;
  const Ref<runtime::StreamState> stream;  // null for a leaf

  std::uint64_t done_at = 0;  // written before state becomes Scheduled
  // Written once, before the submission's event happens; on a device before it counts as issued. Given up by the last
  // reader on a device.
  [[no_unique_address]] runtime::AccessCheck result{"an operation's result"};
  runtime::BufferRef buffer;
  runtime::FailureSlot failure;  // set before the event happens
  // Plan lock. Transfers of this value to other memory spaces, already scheduled.
  std::unique_ptr<std::vector<Ref<Operation>>> replicas;
  [[no_unique_address]] runtime::AccessCheck copied{"the list of an operation's replicas"};

  static void* operator new(std::size_t bytes) { return runtime::allocate_block(bytes); }
  static void operator delete(void* block) noexcept { runtime::free_block(block); }

  Operation(Op o, Dtype d, Shape s, Ref<runtime::StreamState> st, std::unique_ptr<const Attributes> a);
  // A leaf.
  Operation(Dtype d, Shape s, runtime::BufferRef b);
  ~Operation();
};
#ifndef ANABRANCH_SIMULATED
static_assert(sizeof(Operation) <= runtime::slab_block_bytes);
#endif

// The operation whose value `n` reads: itself or its base.
inline Operation* base_of(const Node* n) {
  return n->is_view ? static_cast<const View*>(n)->base.get()
                    : const_cast<Operation*>(static_cast<const Operation*>(n));
}
inline std::int64_t offset_of(const Node* n) { return n->is_view ? static_cast<const View*>(n)->offset : 0; }
inline Strides strides_of(const Node* n) {
  return n->is_view ? static_cast<const View*>(n)->strides : contiguous_strides(n->shape);
}
void retain(Operation* n) noexcept;
void release(Operation* n) noexcept;
// The memory in which the value of `op` lies, or will.
runtime::Arena& home_of(const Operation* op);

// --- Building. Shapes and dtypes are the caller's (ops/) business.

// An elementwise operation over `inputs` (at most three), each of the result's shape or broadcast to it, in one dtype
// as the op wants it (Select: bool first).
array elementwise(Op op, const Shape& shape, Dtype dtype, std::initializer_list<const array*> inputs,
                  const Stream& stream);
// Every element is `value`.
array full(const Shape& shape, Scalar value, const Stream& stream);
// An irregular operation.
array operation(Op op, const Shape& shape, Dtype dtype, SmallVector<NodeRef, 3> inputs, const Stream& stream,
                std::unique_ptr<const Attributes> attributes = nullptr);
template <typename A>
array operation(Op op, const Shape& shape, Dtype dtype, SmallVector<NodeRef, 3> inputs, const Stream& stream,
                A attributes) {
  return operation(op, shape, dtype, std::move(inputs), stream,
                   std::unique_ptr<const Attributes>(std::make_unique<AttributesOf<A>>(std::move(attributes))));
}
// The memory at `data` on the device of `ready`, an event of one of its streams, to be read after that; `deleter` is
// told, once and from any thread, when nothing uses it any more. It counts as pinned.
array adopted(void* data, const Shape& shape, Dtype dtype, bool read_only, const Event& ready,
              std::function<void(void*)> deleter);
// The same memory seen through another shape and strides; `offset` is relative to `a`'s first element. Costs nothing.
array view(const array& a, const Shape& shape, const Strides& strides, std::int64_t offset = 0);

}  // namespace anabranch::graph
