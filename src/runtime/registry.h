// The streams in existence.
#pragma once

#include <list>
#include <vector>

#include "runtime/stream_state.h"

namespace anabranch::runtime {

// See new_stream() for `priority`.
Ref<StreamState> open_stream(Device device, int priority = 0);
// With the queue given, the device's own or another one.
Ref<StreamState> open_stream(Device device, std::unique_ptr<Queue> queue);
// A stream that has no index and that users are not told of, for the runtime's own work.
Ref<StreamState> open_unlisted_stream(Device device);
// The stream on `device` that copies into its memory, or out of it to the host's, or on which what was lent to others
// comes back. Opened on first use, not closed but by close_copy_streams().
enum class Transfer : std::uint8_t { In, Out, Back };
Ref<StreamState> copy_stream(Device device, Transfer transfer);
void close_copy_streams();
enum class Listing : std::uint8_t { Users, All };
std::vector<Ref<StreamState>> open_streams(Listing listing = Listing::Users);
// Of all streams, the one that was opened after `previous`, which is held; after null, the first one. For who must not
// need memory for a list of them.
Ref<StreamState> next_stream(const StreamState* previous);
// Held over a fork; what it guards, to be used holding it.
Mutex& registry_mutex();
const std::list<StreamState*>& registered_streams();

}  // namespace anabranch::runtime
