#include "runtime/failure.h"

#include "anabranch/error.h"

namespace anabranch::runtime {

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
