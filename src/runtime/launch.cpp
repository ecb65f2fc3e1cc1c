#include "runtime/launch.h"

#include "runtime/arena.h"
#include "runtime/backend.h"
#include "runtime/stream_state.h"

namespace anabranch::runtime {

Queue& Launch::queue() const { return *stream_->queue(); }

BufferRef Launch::allocate(std::size_t bytes) {
  if (!stream_) return runtime::allocate(bytes);
  if (!stream_->queue()) return stream_->arena().allocate(bytes);
  std::vector<Event> waits;
  BufferRef buffer = stream_->arena().allocate(bytes, stream_, &waits);
  Arena::expect_use(buffer.get());
  for (const Event& e : waits)
    if (e.stream().get() != stream_) stream_->queue()->wait(*e.stream()->queue(), e.value());
  return buffer;
}

void* Launch::scratch(std::size_t bytes) {
  scratch_.push_back(allocate(bytes));
  return scratch_.back()->data;
}

void Launch::note_uses(const Event& use) {
  for (const auto& b : scratch_) b->arena->note_use(b.get(), use);
}

void Launch::undo() {
  for (auto& b : scratch_) Arena::undo(std::move(b));
  clear();
}

void Launch::clear() {
  phases_.clear();
  scratch_.clear();
}

}  // namespace anabranch::runtime
