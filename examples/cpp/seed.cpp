// The seed's program (examples/seed.py) in C++: the names are MLX's, the namespace is ours.
#include <iostream>

#include "anabranch/anabranch.h"

namespace mx = anabranch;

int main() {
  std::cout << mx::default_device() << "\n";

  // Run a block on the CPU explicitly.
  {
    mx::StreamContext scope(mx::Device::cpu);
    mx::array a = mx::ones({1024, 1024});
  }

  // Queue work on a new stream and synchronize before the host uses it.
  mx::Stream s = mx::new_stream(mx::default_device());
  mx::array b = mx::matmul(mx::random::normal({2048, 2048}, {}, s), mx::random::normal({2048, 2048}, {}, s), s);
  mx::async_eval({b});

  // Change the default device for all that follows.
  mx::set_default_device(mx::Device::cpu);

  // All that was submitted is done after this.
  mx::synchronize();
  std::cout << mx::to_string(b.shape()) << "\n";
}
