#include "kernels/cuda_library.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

namespace anabranch::kernels {

namespace {

using Roots = std::vector<std::filesystem::path>;

void add(Roots& roots, const std::filesystem::path& root) {
  if (std::find(roots.begin(), roots.end(), root) == roots.end()) roots.push_back(root);
}

int add_environment(dl_phdr_info* info, std::size_t, void* roots) {
  const std::string_view path = info->dlpi_name ? info->dlpi_name : "";
  for (const std::string_view packages : {"/site-packages/", "/dist-packages/"}) {
    const std::size_t at = path.find(packages);
    if (at != path.npos) add(*static_cast<Roots*>(roots), path.substr(0, at + packages.size() - 1));
  }
  return 0;
}

// The folders of packages: those around this library, then those of others that are open, as NumPy's is.
Roots package_folders() {
  Roots roots;
  Dl_info here{};
  if (dladdr(reinterpret_cast<void*>(&open_cuda_library), &here) && here.dli_fname) {
    std::error_code failed;
    std::filesystem::path folder = std::filesystem::canonical(here.dli_fname, failed);
    for (int up = 0; up < 4 && folder.has_relative_path(); ++up) add(roots, folder = folder.parent_path());
  }
  dl_iterate_phdr(add_environment, &roots);
  return roots;
}

}  // namespace

void* open_cuda_library(const std::string& name, const std::string& package, std::string& searched) {
  const std::string file = "lib" + name + ".so.13";
  std::vector<std::string> paths;
  for (const auto& root : package_folders()) {
    for (const std::string& place : {std::string("cu13"), package}) {
      std::error_code failed;
      const std::filesystem::path path = root / "nvidia" / place / "lib" / file;
      if (std::filesystem::exists(path, failed)) paths.push_back(path);
    }
  }
  for (const std::string& path : {file, "lib" + name + ".so", "/usr/local/cuda/lib64/" + file}) paths.push_back(path);
  for (const std::string& path : paths) {
    if (void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    const char* const reason = dlerror();
    searched += "\n  " + (reason ? std::string(reason) : path);
  }
  return nullptr;
}

}  // namespace anabranch::kernels
