#include "backends/sim/machine.h"

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "anabranch/error.h"

namespace anabranch::backends::sim {

using runtime::Lock;

// Never destroyed: engines may outlive main().
Machine& Machine::get() {
  static Machine& machine = *new Machine;
  return machine;
}

std::shared_ptr<Line> Machine::open(int device) {
  const runtime::NewMayFail not_here(false);  // a driver's memory is its own: what it can refuse, Fault says
  if (forked_.load()) return std::make_shared<Line>(device, 0);
  used_.store(true);
  Lock lock(mutex_);
  open_.push_back(std::make_shared<Line>(device, opened_++));
  return open_.back();
}

void Machine::close(const std::shared_ptr<Line>& line) {
  const runtime::NewMayFail not_here(false);
  if (forked_.load()) return;
  Lock lock(mutex_);
  std::erase(open_, line);
  if (checks_order) ended_[line->number] = line->done;  // its stream has seen the end of all
  if (!open_.empty()) return;
  ended_.clear();  // and all that there was is over
  uses_.all_done();
  wake_.notify_all();
}

void Machine::add(const std::shared_ptr<Line>& line, Line::Command command) {
  const runtime::NewMayFail not_here(false);
  if (forked_.load()) std::rethrow_exception(lost(line->device));
  if (runtime::injected(runtime::Fault::Command)) throw MemoryError("The simulated GPU refused a command.");
  Lock lock(mutex_);
  if (command.run) command.value = line->next_value;
  if (command.other && command.value >= command.other->next_value && !lost(command.other->device))
    throw std::logic_error("A queue is to wait for what another one has not been asked to signal.");
  add(line, std::move(command), lock);
}

void Machine::signal(Line& line, std::uint64_t value, Ref<runtime::StreamState> stream) {
  const runtime::NewMayFail not_here(false);
  if (forked_.load()) std::rethrow_exception(lost(line.device));
  if (runtime::injected(runtime::Fault::Signal)) lose(line.device, "The simulated GPU refused a signal.");
  Lock lock(mutex_);
  if (auto why = lost(line.device)) std::rethrow_exception(why);
  line.held.emplace();
  line.held->signalled = std::move(stream);
  line.held->value = value;
  line.next_value = value + 1;
}

void Machine::flush(const std::shared_ptr<Line>& line) {
  const runtime::NewMayFail not_here(false);
  if (forked_.load()) return;
  Lock lock(mutex_);
  if (!line->held) return;
  Line::Command command = std::move(*line->held);
  line->held.reset();
  add(line, std::move(command), lock);
}

void Machine::add(const std::shared_ptr<Line>& line, Line::Command command, Lock& lock) {
  if (auto why = lost(line->device)) std::rethrow_exception(why);
  if (checks_order) command.known = known_to_host();
  line->commands.push_back(std::move(command));
  if (line->busy) return;
  make_ready(line);
  if (sleeping_ > 0 || engines_ == most_engines) return;
  ++engines_;
  try {
    runtime::Thread([this] { engine(); }).detach();
  } catch (const std::system_error& refused) {
    if (--engines_ > 0) return;
    std::erase(ready_, line);
    line->busy = false;
    lock.unlock();
    // A queue refuses nothing but for the loss of its device.
    lose(line->device, std::string("The simulated GPU could not start an engine: ") + refused.what());
    std::rethrow_exception(lost(line->device));
  }
}

void Machine::make_ready(std::shared_ptr<Line> line) {
  line->busy = true;
  ready_.push_back(std::move(line));
  if (sleeping_ > 0) wake_.notify_one();
}

void Machine::engine() {
  Lock lock(mutex_);
  while (true) {
    if (!ready_.empty()) {
      const std::shared_ptr<Line> line = std::move(ready_.front());
      ready_.pop_front();
      serve(line, lock);
    } else if (open_.empty()) {
      --engines_;
      return;
    } else {
      ++sleeping_;
      wake_.wait(lock);
      --sleeping_;
    }
  }
}

// Does commands of a queue until it has to wait, is empty, or another queue should have a turn.
void Machine::serve(const std::shared_ptr<Line>& line, Lock& lock) {
  Device& device = devices_[static_cast<std::size_t>(line->device)];
  while (!line->commands.empty() && !device.stopping) {
    if (must_wait(line, line->commands.front())) return;
    Line::Command command = std::move(line->commands.front());
    line->commands.pop_front();
    if (checks_order && command.other) {
      const auto signal = command.other->signals.lower_bound(command.value);
      if (signal != command.other->signals.end()) learn(line->known, signal->second);  // else its device is lost
    }
    if (command.run) {
      std::exception_ptr failure = check_order(*line, command);
      ++device.running;
      lock.unlock();
      try {
        if (!failure) command.run();
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      --device.running;
      stopped_.notify_all();
      line->done_work.write();
      if (failure) line->failures.try_emplace(command.value, std::move(failure));
      if (!ready_.empty()) break;
    } else if (command.signalled) {
      if (checks_order) line->signals[command.value] = line->known;
      // Who sees it asks take_failure() before it reads anything: the lock orders that after what was done.
      line->reached.store(command.value, std::memory_order_relaxed);
      for (auto& other : line->waiting) make_ready(std::move(other));
      line->waiting.clear();
      lock.unlock();
      command.signalled->progressed();
      command.signalled = {};
      lock.lock();
    }
  }
  line->busy = false;
  if (!line->commands.empty() && !device.stopping) make_ready(line);
}

// All that any queue has signalled by now: the host may have seen it.
Known Machine::known_to_host() const {
  Known known;
  for (const auto& line : open_) {
    const auto signalled = line->signals.find(line->reached.load(std::memory_order_relaxed));
    if (signalled != line->signals.end()) learn(known, signalled->second);
  }
  for (const auto& [queue, command] : ended_) learn(known, {{queue, command}});
  return known;
}

std::exception_ptr Machine::check_order(Line& line, const Line::Command& command) {
  if (!checks_order) return nullptr;
  learn(line.known, command.known);
  line.known[line.number] = ++line.done;
  std::string wrong;
  for (const void* p : command.reads)
    if (wrong.empty()) wrong = uses_.use(p, false, line.number, line.done, line.known);
  for (const void* p : command.writes)
    if (wrong.empty()) wrong = uses_.use(p, true, line.number, line.done, line.known);
  return wrong.empty() ? nullptr : std::make_exception_ptr(std::logic_error(wrong));
}

// Noted in any case: leak checkers do not know a device's addresses.
void Machine::allocated(const void* base, std::size_t bytes) {
  const runtime::NewMayFail not_here(false);
  if (forked_.load()) return;
  Lock lock(mutex_);
  uses_.allocated(base, bytes);
}

void Machine::freed(const void* base) {
  if (forked_.load()) return;
  Lock lock(mutex_);
  uses_.freed(base);
}

// Whether the queue has to wait for another one, which will make it ready.
bool Machine::must_wait(const std::shared_ptr<Line>& line, const Line::Command& command) {
  if (!command.other || command.other->reached.load(std::memory_order_relaxed) >= command.value ||
      lost(command.other->device))
    return false;
  command.other->waiting.push_back(line);
  return true;
}

std::exception_ptr Machine::take_failure(Line& line, std::uint64_t value) {
  if (forked_.load()) return nullptr;
  Lock lock(mutex_);
  line.done_work.write();
  const auto found = line.failures.find(value);
  if (found == line.failures.end()) return nullptr;
  std::exception_ptr failure = std::move(found->second);
  line.failures.erase(found);
  return failure;
}

void Machine::lose(int index, const std::string& why) {
  Device& device = devices_[static_cast<std::size_t>(index)];
  std::vector<Ref<runtime::StreamState>> signalled;
  {
    Lock lock(mutex_);
    if (device.stopping) {
      while (!device.lost.load()) stopped_.wait(lock);
      return;
    }
    device.stopping = true;
    while (device.running > 0) stopped_.wait(lock);  // what it is doing uses memory that goes with its loss
    device.why = std::make_exception_ptr(DeviceLost(why));
    device.lost.store(true);
    stopped_.notify_all();
    for (const auto& line : open_) {
      if (line->device != index) continue;
      drop_commands(*line, signalled);
      if (checks_order) ended_[line->number] = line->done;  // it has stopped, and the host knows
    }
  }
  for (const auto& stream : signalled) stream->progressed();
}

void Machine::drop_commands(Line& line, std::vector<Ref<runtime::StreamState>>& signalled) {
  if (line.held) signalled.push_back(std::move(line.held->signalled));
  line.held.reset();
  for (auto& command : line.commands)
    if (command.signalled) signalled.push_back(std::move(command.signalled));
  line.commands.clear();
  for (auto& other : line.waiting) make_ready(std::move(other));
  line.waiting.clear();
}

void Machine::repair(int index) {
  Lock lock(mutex_);
  Device& device = devices_[static_cast<std::size_t>(index)];
  device.lost.store(false);
  device.stopping = false;
}

std::exception_ptr Machine::lost(int index) const {
  const Device& device = devices_[static_cast<std::size_t>(index)];
  return device.lost.load(std::memory_order_acquire) ? device.why : nullptr;
}

void Machine::forked() {
  if (!used_.load()) return;
  for (Device& device : devices_) {
    device.why = after_fork_;
    device.lost.store(true);
  }
  forked_.store(true);
}

}  // namespace anabranch::backends::sim
