// The streams in existence.
#pragma once

#include <vector>

#include "runtime/stream_state.h"

namespace anabranch::runtime {

Ref<StreamState> open_stream(Device device);
// A stream that open_streams() does not tell of, for work that its opener waits for at once.
Ref<StreamState> open_unlisted_stream(Device device);
std::vector<Ref<StreamState>> open_streams();
// Held over a fork; what it guards, to be used holding it.
Mutex& registry_mutex();
const std::vector<StreamState*>& registered_streams();

}  // namespace anabranch::runtime
