// Submissions for tests: what a test wants done, as a Work.
#pragma once

#include <functional>
#include <memory>

#include "runtime/stream_state.h"
#include "runtime/work.h"

namespace anabranch::runtime::testing {

class Call final : public Work {
 public:
  using Start = std::function<void(Launch&)>;
  Call(const Stream& stream, Start start, std::function<void(std::exception_ptr)> finish = nullptr)
      : stream_(stream), start_(std::move(start)), finish_(std::move(finish)) {}
  void start(Launch& launch) override {
    const NewMayFail not_in_tests(false);
    start_(launch);
  }
  void finish(std::exception_ptr failure) noexcept override {
    const NewMayFail not_in_tests(false);
    if (finish_) finish_(std::move(failure));
  }

 private:
  Stream stream_;
  Start start_;
  std::function<void(std::exception_ptr)> finish_;
};

// Submits `start` to `stream`, to run after `waits`; the event of its end. Tells nobody.
inline Event submit(const Stream& stream, Call::Start start, std::initializer_list<Event> waits = {},
                    std::function<void(std::exception_ptr)> finish = nullptr) {
  auto* call = new Call(stream, std::move(start), std::move(finish));
  for (const Event& e : waits) call->waits.push_back(e);
  return Event(stream.state(), stream.state()->submit(call));
}

// The same, and tells the pool.
inline Event launch(const Stream& stream, Call::Start start, std::initializer_list<Event> waits = {}) {
  const Event e = submit(stream, std::move(start), waits);
  stream.state()->schedule();
  return e;
}

}  // namespace anabranch::runtime::testing
