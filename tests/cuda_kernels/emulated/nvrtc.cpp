// There is no compiler for the emulated GPUs: programs stay interpreted. Under the real one's name, so that the real
// one, whose code could not run, is not opened.
