#include "actor.h"

#include <algorithm>
#include <cstring>

#include "../runtime/call.h"
#include "anabranch/error.h"
#include "anabranch/linalg.h"
#include "anabranch/memory.h"
#include "anabranch/ops.h"
#include "backends/sim/machine.h"
#include "graph/node.h"
#include "runtime/backend.h"
#include "runtime/process.h"
#include "runtime/wait.h"
#include "schedule.h"

namespace anabranch::simulation {
namespace {

// All values are n by n.
constexpr int n = 3;
using Numbers = std::vector<std::uint32_t>;

std::size_t at(int row, int column) { return static_cast<std::size_t>(row * n + column); }

}  // namespace

// --- Building.

Device Actor::some_device() {
  if (program_.plan_.crowded && !random_.one_in(8)) return Device(Device::gpu, 0);
  const std::uint32_t i = random_.below(static_cast<std::uint32_t>(1 + program_.plan_.gpus));
  return i == 0 ? Device(Device::cpu) : Device(Device::gpu, static_cast<int>(i) - 1);
}

void Actor::make_stream() {
  const Device device = some_device();
  const int priority = random_.one_in(3) ? -1 : 0;
  const auto make = [&] { streams_.push_back(new_stream(device, priority)); };
  if (raises_or_refuses(make)) make();
}

StreamOrDevice Actor::somewhere() {
  switch (random_.below(6)) {
    case 0: return {};
    case 1: return some_device();
    default: return some_stream();
  }
}

void Actor::make_value() {
  Numbers want(n * n);
  for (auto& w : want) w = random_.below(100);
  const auto make = [&] { values_.push_back({array(want.data(), {n, n}, uint32), want, false}); };
  if (!raises_or_refuses(make)) return;
  while (raises(make, false)) {
  }
}

Value Actor::combine(const Value& x, const Value& y) {
  const std::uint32_t kind = random_.below(5);
  const StreamOrDevice s = somewhere();
  Numbers want(x.want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    const std::uint32_t a = x.want[i], b = y.want[i];
    want[i] = kind == 0 ? a + b : kind == 1 ? a - b : kind == 2 ? a * b : kind == 3 ? std::max(a, b) : std::min(a, b);
  }
  using Function = array (*)(const array&, const array&, const StreamOrDevice&);
  constexpr Function functions[] = {add, subtract, multiply, maximum, minimum};
  return {functions[kind](x.a, y.a, s), std::move(want), x.fails || y.fails};
}

// Views.
Value Actor::reshape(const Value& x) {
  Numbers want(x.want.size());
  if (random_.one_in(2)) {
    for (int r = 0; r < n; ++r)
      for (int c = 0; c < n; ++c) want[at(r, c)] = x.want[at(c, r)];
    return {transpose(x.a), std::move(want), x.fails};
  }
  const int row = static_cast<int>(random_.below(n));
  for (int r = 0; r < n; ++r)
    for (int c = 0; c < n; ++c) want[at(r, c)] = x.want[at(row, c)];
  return {broadcast_to(slice(x.a, {row, 0}, {row + 1, n}), {n, n}), std::move(want), x.fails};
}

// Operations that don't fuse.
Value Actor::rearrange(const Value& x, const Value& y) {
  const StreamOrDevice s = somewhere();
  Numbers want = x.want;
  const int row = static_cast<int>(random_.below(n));
  switch (random_.below(3)) {
    case 0:
      for (int c = 0; c < n; ++c) want[at(row, c)] = y.want[at(row, c)];
      return {slice_update(x.a, slice(y.a, {row, 0}, {row + 1, n}), Shape{row, 0}, Shape{row + 1, n}, s),
              std::move(want), x.fails || y.fails};
    case 1:
      for (int c = 0; c < n; ++c) {
        std::uint32_t total = 0;
        for (int r = 0; r < n; ++r) total += x.want[at(r, c)];
        for (int r = 0; r < n; ++r) want[at(r, c)] = y.want[at(r, c)] + total;
      }
      return {add(y.a, sum(x.a, 0, true, s), somewhere()), std::move(want), x.fails || y.fails};
    default:
      for (int r = 0; r < n; ++r)
        for (int c = 0; c < n; ++c) want[at(r, c)] = r + 1 < n ? x.want[at(r + 1, c)] : y.want[at(0, c)];
      return {slice(concatenate({x.a, y.a}, 0, s), {1, 0}, {n + 1, n}), std::move(want), x.fails || y.fails};
  }
}

// An operation that runs in LAPACK, and fails or gives the identity.
Value Actor::through_cholesky(const Value& x) {
  const bool fails = program_.plan_.failures && random_.one_in(2);
  const StreamOrDevice s = somewhere();
  const array matrix = fails ? full({n, n}, -1.0f, float32, s) : eye(n, float32, s);
  const array factor = astype(linalg::cholesky(matrix, false, s), uint32, somewhere());
  Numbers want = x.want;
  for (int i = 0; i < n; ++i) ++want[at(i, i)];
  return {add(x.a, factor, somewhere()), std::move(want), x.fails || fails};
}

void Actor::build() {
  const Value x = any(), y = any();
  raises_or_refuses([&] {
    std::optional<StreamContext> scope;
    if (random_.one_in(6)) scope.emplace(some_stream());
    switch (random_.below(12)) {
      case 0:
      case 1: values_.push_back(reshape(x)); break;
      case 2:
      case 3:
      case 4: values_.push_back(rearrange(x, y)); break;
      case 5: values_.push_back(through_cholesky(x)); break;
      default: values_.push_back(combine(x, y)); break;
    }
  });
}

// x[i] = v again and again: memory that nobody else knows of is written in place.
void Actor::update_in_place() {
  if (values_.empty()) return;
  Value& x = values_[random_.below(static_cast<std::uint32_t>(values_.size()))];
  const Value v = any();
  const StreamOrDevice s = somewhere();
  for (int i = 0; i < 3; ++i) {
    const int row = static_cast<int>(random_.below(n));
    if (raises_or_refuses(
            [&] { x.a = slice_update(x.a, slice(v.a, {row, 0}, {row + 1, n}), Shape{row, 0}, Shape{row + 1, n}, s); }))
      return;
    for (int c = 0; c < n; ++c) x.want[at(row, c)] = v.want[at(row, c)];
    x.fails |= v.fails;
    if (random_.one_in(3)) raises([&] { async_eval({x.a}); }, false);
  }
}

// --- Evaluating and comparing.

template <typename F>
bool Actor::raises_or_refuses(F f) {
  return raises(
      [&f] {
        const runtime::NewMayFail here;
        f();
      },
      false);
}

template <typename F>
bool Actor::raises(F f, bool expected) {
  try {
    f();
  } catch (const runtime::Interrupted&) {
    require(program_.plan_.interrupts, "a wait was interrupted for no reason");
    return true;
  } catch (const std::bad_alloc& e) {  // a MemoryError, or from operator new
    if (!program_.plan_.faults && !expected)
      Scheduler::current()->fail(std::string("an unexpected error: ") + e.what());
    return true;
  } catch (const DeviceLost& e) {
    if (!program_.plan_.may_lose() && !expected)
      Scheduler::current()->fail(std::string("an unexpected error: ") + e.what());
    return true;
  } catch (const std::exception& e) {
    if (!expected) Scheduler::current()->fail(std::string("an unexpected error: ") + e.what());
    return true;
  }
  return false;
}

void Actor::evaluate() {
  std::vector<array> some;
  bool fails = false;
  for (std::uint32_t i = 0, count = 1 + random_.below(3); i < count; ++i) {
    const Value& v = any();
    some.push_back(v.a);
    fails |= v.fails;
  }
  const bool raised = raises([&] { eval(some); }, fails);
  require(raised || !fails, "eval did not raise the failure of what it was asked for");
}

void Actor::evaluate_later() {
  std::vector<array> some;
  for (std::uint32_t i = 0, count = 1 + random_.below(3); i < count; ++i) some.push_back(any().a);
  raises([&] { async_eval(some); }, false);
}

// Without a wait: what is available is there.
void Actor::read_available(const Value& v) {
  const graph::Operation* op = graph::base_of(v.a.node().get());
  op->result.read();
  if (op->buffer) op->buffer->contents.read();
  else
    require(v.fails || program_.plan_.faults || program_.plan_.may_lose(),
            "an array is available that has neither a value nor a failure");
}

void Actor::read(std::size_t i) {
  const Value& v = values_[i];
  const char* data = nullptr;
  const bool raised = raises([&] { data = static_cast<const char*>(v.a.data_ptr()); }, v.fails);
  if (raised) {
    ++Program::raised;
    return;
  }
  require(!v.fails, "an array has a value although what it depends on failed");
  require(v.a.is_available(), "an array that was read is not available");
  const Strides strides = v.a.strides();
  for (int r = 0; r < n; ++r) {
    for (int c = 0; c < n; ++c) {
      std::uint32_t got;
      std::memcpy(&got, data + 4 * (r * strides[0] + c * strides[1]), sizeof got);
      require(got == v.want[at(r, c)], "a value differs from the oracle's");
    }
  }
  ++Program::compared;
}

void Actor::check_everything() {
  for (std::size_t i = 0; i < values_.size(); ++i) read(i);
  for (std::size_t i = 0; i < jobs_.size(); ++i) check_job(i);
}

// --- Raw submissions.

void Actor::submit_job() {
  const Stream s = some_stream();
  const bool on_device = s.device.type == Device::gpu;
  const Ref<Job> job(new Job);
  job->id = random_.next();
  const std::uint32_t phases = on_device ? 0 : random_.below(3), chunks = 1 + random_.below(4);
  const bool start_fails = random_.one_in(12);
  job->fails = start_fails || (phases > 0 && random_.one_in(12));
  job->may_be_lost = on_device && program_.plan_.may_lose();
  std::vector<double> ns;
  for (std::uint32_t p = 0; p < phases; ++p) ns.push_back(random_.pick(10, 100'000, 3'000'000));
  job->runs.resize(phases * chunks);
  std::vector<std::pair<Event, Ref<Job>>> before;
  if (!jobs_.empty())
    for (std::uint32_t i = random_.below(3); i-- > 0;)
      before.push_back(jobs_[random_.below(static_cast<std::uint32_t>(jobs_.size()))]);
  auto come_first = [before] {
    for (const auto& [event, earlier] : before) {
      require(event.query(), "a submission came before what it waits for");
      earlier->result.read();
    }
  };
  auto start = [job, on_device, chunks, ns, start_fails, come_first](runtime::Launch& launch) {
    if (!on_device) come_first();
    job->result.write();
    if (start_fails) throw std::runtime_error("start");
    if (on_device) return launch.queue().copy(&job->copied, &job->id, sizeof job->id);
    for (std::uint32_t p = 0; p < ns.size(); ++p) {
      launch.parallel(chunks, ns[p], [job, p, chunks](std::size_t c) {
        for (std::size_t i = 0; i < p * chunks; ++i)
          require(job->runs[i] == 1, "a phase began before the last one's end");
        relax();  // takes time, in which others come in between
        ++job->runs[p * chunks + c];
        if (job->fails && c == 0) throw std::runtime_error("chunk");
      });
    }
  };
  auto finish = [job, on_device, come_first](std::exception_ptr failure) {
    if (on_device) {
      come_first();
      require(failure || job->copied == job->id, "a submission has ended that the device has not done");
    }
    job->result.write();
    job->failed = failure != nullptr;
    job->value = job->id;
    for (const int r : job->runs) require(r == 1 || (failure && r == 0), "a chunk was run twice or never");
  };
  auto* call = new runtime::testing::Call(s, std::move(start), std::move(finish));
  for (const auto& [event, earlier] : before) call->waits.push_back(event);
  const Event e(s.state(), s.state()->submit(call));
  if (random_.one_in(2)) s.state()->schedule();
  jobs_.emplace_back(e, job);
}

void Actor::check_job(std::size_t i) {
  const auto [event, job] = jobs_[i];
  while (raises([&] { event.wait(); }, false)) {  // interrupted
  }
  require(event.query(), "an event that was waited for has not happened");
  job->result.read();
  require(job->value == job->id, "a submission has ended without its result");
  require(job->failed || !job->fails, "a failure was lost");
  require(!job->failed || job->fails || job->may_be_lost, "a submission failed for no reason");
}

// --- Events and streams.

Event Actor::some_event() {
  switch (random_.below(3)) {
    case 0: return some_stream().record();
    case 1: {
      const Value& v = any();
      try {
        return v.a.event();
      } catch (const std::invalid_argument&) {  // lazy still
      }
      break;
    }
    default:
      if (!jobs_.empty()) return jobs_[random_.below(static_cast<std::uint32_t>(jobs_.size()))].first;
  }
  return {};
}

void Actor::wait_for_event() {
  const Event e = some_event();
  switch (random_.below(3)) {
    case 0: e.query(); break;
    case 1:
      raises(
          [&] {
            e.wait();
            require(e.query(), "an event that was waited for has not happened");
          },
          false);
      break;
    default: {
      Scheduler::current()->expect_timeouts(+1);
      raises(
          [&] {
            if (e.wait_for(random_.pick(0, 1, 50, 5000) * 1e-6)) require(e.query(), "wait_for is wrong");
          },
          false);
      Scheduler::current()->expect_timeouts(-1);
      break;
    }
  }
}

void Actor::order_streams() { some_stream().wait(some_event()); }

void Actor::synchronize_something() {
  // Raises failures, of whatever thread's operations, that nobody was told of.
  const bool may_raise = program_.plan_.failures;
  if (random_.one_in(3)) raises([] { synchronize(); }, may_raise);
  else raises([&] { some_stream().synchronize(); }, may_raise);
}

void Actor::call_on_completion() {
  const Event e = some_event();
  program_.calls_promised_.fetch_add(1, std::memory_order_relaxed);
  const auto call = [&program = program_, e] {
    require(e.query(), "a completion call came before the event");
    program.calls_made_.fetch_add(1, std::memory_order_release);
  };
  // Without workers it waits, and may be interrupted.
  raises([&] { runtime::on_complete(e, call); }, false);
}

// --- What is left.

void Actor::exchange() {
  runtime::Lock lock(program_.mutex_);
  Program::Shared& shared = program_.shared_;
  if (random_.one_in(2)) {
    shared.values.push_back(any());
    if (!jobs_.empty()) shared.jobs.push_back(jobs_.back());
    shared.streams.push_back(streams_.back());
  } else if (!shared.values.empty()) {
    values_.push_back(shared.values[random_.below(static_cast<std::uint32_t>(shared.values.size()))]);
    streams_.push_back(shared.streams[random_.below(static_cast<std::uint32_t>(shared.streams.size()))]);
    if (!shared.jobs.empty()) jobs_.push_back(shared.jobs.back());
  }
}

void Actor::finish_everything() {
  while (true) {
    try {
      return anabranch::synchronize();
    } catch (const runtime::Interrupted&) {
    } catch (const std::exception&) {
      require(program_.plan_.failures || program_.plan_.faults || program_.plan_.may_lose(),
              "synchronize() raised a failure that was none");
      // It raises until the reader is told. A read that was interrupted may have left a copy, which holds on to a
      // failure.
      finish_copies();
      check_everything();
    }
  }
}

void Actor::take_everything() {
  runtime::Lock lock(program_.mutex_);
  values_ = std::move(program_.shared_.values);
  jobs_ = std::move(program_.shared_.jobs);
  streams_ = std::move(program_.shared_.streams);
}

void Actor::drop() {
  if (values_.size() > 2) {
    const auto i = random_.below(static_cast<std::uint32_t>(values_.size()));
    values_.erase(values_.begin() + i);
  }
  if (streams_.size() > 1 && random_.one_in(4)) streams_.erase(streams_.begin());
  if (!jobs_.empty() && random_.one_in(3)) {
    jobs_.front().first.stream()->schedule();  // what nobody was told of, nobody would run
    jobs_.erase(jobs_.begin());
  }
}

void Actor::do_something() {
  switch (random_.below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: build(); break;
    case 5: update_in_place(); break;
    case 6:
    case 7: evaluate(); break;
    case 8:
    case 9: evaluate_later(); break;
    case 10:
    case 11: read(random_.below(static_cast<std::uint32_t>(values_.size()))); break;
    case 12:
    case 13: submit_job(); break;
    case 14:
      wait_for_event();
      if (const Value& v = any(); v.a.is_available() && random_.one_in(2)) read_available(v);
      break;
    case 15: order_streams(); break;
    case 16: synchronize_something(); break;
    case 17: call_on_completion(); break;
    case 18: exchange(); break;
    default:
      drop();
      if (random_.one_in(3)) make_stream();
      if (random_.one_in(8)) clear_cache();
      if (program_.plan_.losses && random_.one_in(2))
        backends::sim::Machine::get().lose(some_device().index, "the simulation has lost it");
      if (program_.plan_.exits && random_.one_in(2)) runtime::shutdown();
  }
}

void Actor::act(int actions) {
  for (int i = 0; i < actions; ++i) raises([&] { do_something(); }, false);  // constants take memory
  for (const auto& [event, job] : jobs_) event.stream()->schedule();
  if (random_.one_in(2)) check_everything();
}

}  // namespace anabranch::simulation
