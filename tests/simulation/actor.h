// One thread of a random program.
#pragma once

#include "program.h"

namespace anabranch::simulation {

class Actor {
 public:
  Actor(Program& program, std::uint64_t seed) : program_(program), random_(seed) {}
  // Begins with the values, streams and jobs of another one.
  Actor(const Actor& other, std::uint64_t seed)
      : program_(other.program_), random_(seed), values_(other.values_), jobs_(other.jobs_), streams_(other.streams_) {}

  void act(int actions);
  void make_stream();
  void make_value();
  void build();
  // Takes what other threads have left.
  void take_everything();
  // Waits for all that was submitted by whomever.
  void finish_everything();
  // Waits for all it knows of and compares it.
  void check_everything();

 private:
  void do_something();
  void update_in_place();
  void evaluate();
  void evaluate_later();
  void read(std::size_t i);
  void read_available(const Value& v);
  void submit_job();
  void check_job(std::size_t i);
  void wait_for_event();
  void order_streams();
  void synchronize_something();
  void call_on_completion();
  void exchange();
  void drop();

  Value combine(const Value& x, const Value& y);
  Value reshape(const Value& x);
  Value rearrange(const Value& x, const Value& y);
  Value through_cholesky(const Value& x);
  StreamOrDevice somewhere();
  Device some_device();
  Stream some_stream() { return streams_[random_.below(static_cast<std::uint32_t>(streams_.size()))]; }
  Event some_event();
  const Value& any() { return values_[random_.below(static_cast<std::uint32_t>(values_.size()))]; }
  // Runs `f`; an exception must have a reason: a failed operation among what `f` touches, or an injected fault.
  template <typename F>
  bool raises(F f, bool expected);
  // The same, where memory may be refused, too.
  template <typename F>
  bool raises_or_refuses(F f);

  Program& program_;
  Random random_;
  std::vector<Value> values_;
  std::vector<std::pair<Event, Ref<Job>>> jobs_;
  std::vector<Stream> streams_;
};

}  // namespace anabranch::simulation
