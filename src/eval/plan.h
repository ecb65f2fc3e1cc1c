// Evaluation: from requested arrays to submissions, in stages that each do one thing.
//
//   collect  walks from the requested operations to all that they need and nobody has claimed
//   fuse     joins them into steps: fused programs of elementwise operations, or single irregular operations
//   place    has what a step reads brought into its device's memory, and gives it the few waits for other streams that
//            its stream's order does not already imply
//   submit   hands it to its stream
//
// All of it happens under the plan lock, without the GIL, in batches: outside the lock an operation is lazy, or
// scheduled with its event.
#pragma once

#include <memory>
#include <vector>

#include "graph/node.h"
#include "graph/program.h"
#include "runtime/work.h"

namespace anabranch::evaluation {

// One submission: a fused program over a domain, or one irregular operation.
class Step final : public runtime::Work {
 public:
  explicit Step(Ref<runtime::StreamState> s) : stream(std::move(s)) {}
  void accepted(std::uint64_t value) noexcept override;
  void start(runtime::Launch& launch) override;
  void issued(const std::exception_ptr& failure) noexcept override;
  void finish(std::exception_ptr failure) noexcept override;

  const Ref<runtime::StreamState> stream;
  Shape domain;
  graph::Program program;                         // of a fused step
  SmallVector<graph::NodeRef, 4> inputs;          // what it reads; none is lazy when the step is submitted
  SmallVector<Ref<graph::Operation>, 2> outputs;  // what it computes; of an irregular step the operation itself
  bool fused = false;

 private:
  bool spread_poison();
  void begin(runtime::Launch& launch);
  void note_reads() const;
  void transfer(runtime::Launch& launch);
  void publish(const std::exception_ptr& exception);
  using Views = SmallVector<runtime::View, 4>;
  Views bind_outputs(runtime::Launch& launch);
  Views bind_inputs(const Views& out) const;
  bool is_repeated(std::size_t input) const;
  runtime::BufferRef donated(const graph::Operation& output, std::size_t bytes);

  std::uint64_t done_at_ = 0;
  bool issued_ = false, failed_ = false;
  std::size_t at_fault_ = 0;                      // the output for which memory was refused
  SmallVector<runtime::BufferRef, 2> buffers_;    // of the outputs
  SmallVector<Ref<runtime::Failure>, 2> poison_;  // an output's, if what it needs has failed
};

// The lazy operations that `roots` need, each after those that it needs, in batches. The plan lock must be held from
// the construction to the last batch.
class Collector {
 public:
  using Batch = SmallVector<graph::Operation*, 16>;
  explicit Collector(const std::vector<graph::Operation*>& roots);
  // Fills `batch` with at most `most`, after the batches before have been submitted; false when nothing is left.
  bool next(std::size_t most, Batch& batch);

 private:
  struct Visit {
    graph::Operation* op;
    std::size_t next_input;
  };
  SmallVector<graph::Operation*, 4> roots_;
  SmallVector<Visit, 8> stack_;
  std::uint32_t pass_;
};

// A fresh number for marking nodes: a collect pass or a fusion group.
std::uint32_t next_mark();

// Streams that got steps, how many, and the time that the steps are estimated to take on one processor.
struct Submitted {
  SmallVector<Ref<runtime::StreamState>, 4> streams;
  std::uint64_t steps = 0;
  double ns = 0;
  // Before a step is submitted.
  void note(const Step& step);
};

// Joins operations, fed in dependency order, into steps, which it submits in dependency order.
class Fuser {
 public:
  explicit Fuser(Submitted& submitted) : submitted_(submitted) {}
  void add(graph::Operation* op);
  // Submits what is open.
  void finish();

 private:
  // A fused step that is being put together.
  struct Group {
    std::unique_ptr<Step> step;
    SmallVector<graph::Operation*, 4> ops;
    std::uint32_t mark;
  };
  void add_elementwise(graph::Operation* op);
  void add_irregular(graph::Operation* op);
  void await_readers(graph::Operation* op);
  void submit_awaiting(graph::Operation* op);
  void generate_inputs(Step& step);
  void submit_irregular(graph::Operation* op);
  Group& group_for(const graph::Operation* op);
  void close(std::size_t group);
  void close_groups_read_otherwise(const graph::Operation* op);

  Submitted& submitted_;
  SmallVector<Group, 1> open_;
  // Not submitted until it is known whether a program generates what they compute. What they read is submitted.
  std::vector<graph::Operation*> awaiting_;
};

// place: sees to it that all that the step reads lies in its stream's memory, and fills step.waits.
void place(Step& step, Submitted& to);
// Where the value of `op`, which is not lazy, lies in the memory of `arena`: a transfer that is submitted, and
// remembered by `op` unless it is pinned, or was before. Plan lock.
Ref<graph::Operation> replicate(graph::Operation* op, runtime::Arena& arena, Submitted& to);
// The transfer has failed, not the value: the next reader gets another one. Takes the plan lock.
void forget_replica(graph::Operation* op, const graph::Operation* replica) noexcept;
// What reads in the memory of `arena` as `node`, whose base is not lazy, does where it is: a view of the base's
// replica, or, where it is far smaller than its base, a copy of it alone. Plan lock.
graph::NodeRef brought(const graph::Node* node, runtime::Arena& arena, Submitted& to);
// As replicate(), from outside: takes the plan lock. The pool is not told: wait for it. `op` keeps it unless it fails;
// pinned, only the last.
Ref<graph::Operation> replica_of(graph::Operation* op, runtime::Arena& arena);

// What readers are thrown of an operation that has neither a value nor a failure though its event has happened: it was
// being computed when this process was forked off.
std::exception_ptr lost_in_fork(const graph::Operation& op);

// submit: hands the step, which has been noted, to its stream.
void submit(std::unique_ptr<Step> step) noexcept;

// Plans and submits all that `roots` need. Takes the plan lock. The pool is not told: call schedule() on the streams,
// or wait for what was submitted.
Submitted plan(const std::vector<graph::Operation*>& roots);

// Held over a fork.
runtime::Mutex& plan_mutex();

}  // namespace anabranch::evaluation
