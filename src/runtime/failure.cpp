#include "runtime/failure.h"

#include <algorithm>

#include "anabranch/error.h"

namespace anabranch::runtime {
namespace {

// Failures that synchronize() alone can tell, since nobody holds their results: later ones say nothing new.
constexpr std::size_t most_unreadable = 64;

}  // namespace

// Never destroyed: arrays that have it may be dropped after main() has returned.
const Ref<Failure>& undescribed_failure() {
  static const Ref<Failure>& f = *new const Ref<Failure>(Ref<Failure>::adopt(new Failure(std::make_exception_ptr(
      MemoryError("An operation failed, and there was no memory left to say which one and why.")))));
  return f;
}

UntoldFailures::~UntoldFailures() {
  while (first_) remove(&first_);
}

void UntoldFailures::add(Ref<Failure> failure) {
  if (failure == undescribed_failure()) {  // it may be in the list of another stream, too
    undescribed_ = true;
    return;
  }
  Failure* f = failure.detach();
  *last_ = f;
  last_ = &f->next;
  if (++size_ < next_sweep_) return;
  std::size_t unreadable = 0;
  remove_if([&](const Failure& old) {
    if (old.seen.load(std::memory_order_relaxed)) return true;
    return old.references.load(std::memory_order_relaxed) == 1 && ++unreadable > most_unreadable;
  });
  next_sweep_ = 2 * std::max(size_, most_unreadable);
}

Ref<Failure> UntoldFailures::oldest() {
  remove_if([](const Failure& f) { return f.seen.load(std::memory_order_relaxed); });
  // Whether a reader was told of those that were not written down, nobody knows.
  if (!first_) return std::exchange(undescribed_, false) ? undescribed_failure() : Ref<Failure>();
  // Once told here, one that no reader can meet any more is told for the last time.
  if (first_->references.load(std::memory_order_relaxed) == 1) return remove(&first_);
  return Ref<Failure>(first_);
}

template <typename F>
void UntoldFailures::remove_if(F unneeded) {
  for (Failure** link = &first_; *link;) {
    if (unneeded(**link)) remove(link);
    else link = &(*link)->next;
  }
}

Ref<Failure> UntoldFailures::remove(Failure** link) {
  Failure* gone = *link;
  *link = gone->next;
  if (last_ == &gone->next) last_ = link;
  --size_;
  return Ref<Failure>::adopt(gone);
}

std::exception_ptr explain(std::exception_ptr cause, const std::string& operation, const std::string& stream) {
  auto text = [&](const char* what) {
    std::string message = what;
    if (!message.starts_with('[')) message = "[" + operation + "] " + message;
    return message + " (on " + stream + ")";
  };
  try {
    std::rethrow_exception(cause);
  } catch (const MemoryError& e) {
    return std::make_exception_ptr(MemoryError(text(e.what())));
  } catch (const std::bad_alloc& e) {
    return std::make_exception_ptr(MemoryError(text(e.what())));
  } catch (const TypeError& e) {
    return std::make_exception_ptr(TypeError(text(e.what())));
  } catch (const DeviceLost& e) {
    return std::make_exception_ptr(DeviceLost(text(e.what())));
  } catch (const NotSupported& e) {
    return std::make_exception_ptr(NotSupported(text(e.what())));
  } catch (const std::invalid_argument& e) {
    return std::make_exception_ptr(std::invalid_argument(text(e.what())));
  } catch (const std::out_of_range& e) {
    return std::make_exception_ptr(std::out_of_range(text(e.what())));
  } catch (const std::overflow_error& e) {
    return std::make_exception_ptr(std::overflow_error(text(e.what())));
  } catch (const std::exception& e) {
    return std::make_exception_ptr(std::runtime_error(text(e.what())));
  } catch (...) {
    return std::make_exception_ptr(std::runtime_error(text("unknown failure")));
  }
}

}  // namespace anabranch::runtime
