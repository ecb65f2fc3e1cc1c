#include "kernels/nvrtc/nvrtc.h"

#include <dlfcn.h>

#include <type_traits>

#include "kernels/cuda_library.h"
#include "kernels/nvrtc/background.h"
#include "kernels/nvrtc/device_text.h"
#include "kernels/nvrtc/disk_cache.h"
#include "kernels/nvrtc/signal_handlers.h"

namespace anabranch::kernels {

namespace {

using Program = struct OpaqueProgram*;

// The library's functions that are called here; they return 0 for success.
struct Library {
  int (*version)(int*, int*);
  const char* (*error_string)(int);
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*);
  int (*destroy)(Program*);
  int (*compile)(Program, int, const char* const*);
  int (*log_size)(Program, std::size_t*);
  int (*log)(Program, char*);
  int (*cubin_size)(Program, std::size_t*);
  int (*cubin)(Program, char*);
  int (*ptx_size)(Program, std::size_t*);
  int (*ptx)(Program, char*);
  std::string version_text, missing;
};

Library open_library() {
  Library library{};
  std::string searched;
  void* const handle = open_cuda_library("nvrtc", "cuda_nvrtc", searched);
  if (!handle) {
    library.missing = "NVRTC, which compiles programs for a GPU, was not found. Searched:" + searched;
    return library;
  }
  keep_signal_handlers(handle);
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (!function) library.missing = std::string("libnvrtc lacks ") + name;
  };
  find(library.version, "nvrtcVersion");
  find(library.error_string, "nvrtcGetErrorString");
  find(library.create, "nvrtcCreateProgram");
  find(library.destroy, "nvrtcDestroyProgram");
  find(library.compile, "nvrtcCompileProgram");
  find(library.log_size, "nvrtcGetProgramLogSize");
  find(library.log, "nvrtcGetProgramLog");
  find(library.cubin_size, "nvrtcGetCUBINSize");
  find(library.cubin, "nvrtcGetCUBIN");
  find(library.ptx_size, "nvrtcGetPTXSize");
  find(library.ptx, "nvrtcGetPTX");
  int major = 0, minor = 0;
  if (library.missing.empty() && library.version(&major, &minor) == 0)
    library.version_text = std::to_string(major) + "." + std::to_string(minor);
  return library;
}

const Library& library() {
  static const Library* const opened = new Library(open_library());
  return *opened;
}

std::string log_of(const Library& nvrtc, Program program) {
  std::size_t size = 0;
  if (nvrtc.log_size(program, &size) != 0 || size <= 1) return "";
  std::string log(size, '\0');
  nvrtc.log(program, log.data());
  log.resize(size - 1);
  return log;
}

}  // namespace

const std::string& nvrtc_version() { return library().version_text; }
const std::string& nvrtc_missing() { return library().missing; }

CompiledText compile_text(const std::string& text, const std::string& architecture) {
  const Library& nvrtc = library();
  if (!nvrtc.missing.empty()) return {{}, nvrtc.missing};
  std::vector<const char*> names, texts;
  for (const DeviceText* file = device_texts; file->name; ++file) {
    names.push_back(file->name);
    texts.push_back(file->text);
  }
  Program program = nullptr;
  int status =
      nvrtc.create(&program, text.c_str(), "program.cu", static_cast<int>(names.size()), texts.data(), names.data());
  if (status != 0) return {{}, nvrtc.error_string(status)};
  const std::string target = "--gpu-architecture=" + architecture;
  // As nvcc compiles the interpreter: bits don't depend on how a program is run.
  const char* options[] = {target.c_str(), "--std=c++20", "--fmad=false"};
  CompiledText result;
  status = nvrtc.compile(program, std::size(options), options);
  if (status == 0) {
    const bool machine_code = architecture.starts_with("sm_");
    std::size_t size = 0;
    status = (machine_code ? nvrtc.cubin_size : nvrtc.ptx_size)(program, &size);
    if (status == 0) {
      result.code.resize(size);
      status = (machine_code ? nvrtc.cubin : nvrtc.ptx)(program, result.code.data());
    }
  }
  if (status != 0) {
    result.code.clear();
    result.error = std::string(nvrtc.error_string(status)) + "\n" + log_of(nvrtc, program);
  }
  nvrtc.destroy(&program);
  // Its first use is when the library makes what it takes down at exit.
  static const bool settled = (settle_background_at_exit(), true);
  static_cast<void>(settled);
  return result;
}

CompiledText compile_once(const std::string& text, const std::string& architecture) {
  if (!nvrtc_missing().empty()) return {{}, nvrtc_missing()};
  static const DiskCache cache(cache_folder(), std::uint64_t{256} << 20);
  TextHash hash;
  for (const DeviceText* file = device_texts; file->name; ++file) hash.add(file->text);
  for (const std::string& part : {text, architecture, nvrtc_version()}) hash.add(part);
  if (std::vector<char> code = cache.find(hash); !code.empty()) return {std::move(code), ""};
  CompiledText compiled = compile_text(text, architecture);
  if (!compiled.code.empty()) cache.add(hash, compiled.code);
  return compiled;
}

}  // namespace anabranch::kernels
