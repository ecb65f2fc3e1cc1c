// Signals are the program's: a library that handles them itself is kept from it.
#pragma once

namespace anabranch::kernels {

// Calls of signal() and sigaction() from the library, a handle of dlopen(), change nothing from now on: they report
// what is. NVRTC 13.0 has SIGINT and SIGTERM end the process (with status 4) while it compiles, in whatever thread,
// which would make a Ctrl-C in Python fatal at the wrong moment; see docs/decisions/0013-signals-of-nvrtc.md.
void keep_signal_handlers(void* library);

}  // namespace anabranch::kernels
