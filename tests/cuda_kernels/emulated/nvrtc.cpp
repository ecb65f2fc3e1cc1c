// The compiler of the emulated GPUs, which refuses every program: they stay interpreted. Under the real one's name, so
// that the real one, whose code could not run, is not opened.
#include <cstddef>
#include <cstring>

namespace {

constexpr int out_of_place = 1, refused = 6;  // as NVRTC numbers its errors
constexpr char log_text[] = "program.cu(1): error: there is no machine code for emulated GPUs";

}  // namespace

extern "C" {

int nvrtcVersion(int* major, int* minor) {
  *major = *minor = 0;
  return 0;
}
const char* nvrtcGetErrorString(int status) { return status == refused ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR"; }
int nvrtcCreateProgram(void** program, const char*, const char*, int, const char* const*, const char* const*) {
  *program = nullptr;
  return 0;
}
int nvrtcDestroyProgram(void**) { return 0; }
int nvrtcCompileProgram(void*, int, const char* const*) { return refused; }
int nvrtcGetProgramLogSize(void*, std::size_t* size) {
  *size = sizeof(log_text);
  return 0;
}
int nvrtcGetProgramLog(void*, char* log) {
  std::memcpy(log, log_text, sizeof(log_text));
  return 0;
}
int nvrtcGetCUBINSize(void*, std::size_t*) { return out_of_place; }
int nvrtcGetCUBIN(void*, char*) { return out_of_place; }
int nvrtcGetPTXSize(void*, std::size_t*) { return out_of_place; }
int nvrtcGetPTX(void*, char*) { return out_of_place; }

}  // extern "C"
