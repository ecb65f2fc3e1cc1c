// The CUDA backend's library where there is no GPU: it opens, and says why it has none.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "backends/cuda/plugin.h"
#include "runtime/backend.h"

namespace anabranch {
namespace {

TEST(CudaPlugin, SaysWhyThereIsNoGpu) {
  Dl_info ours{};
  ASSERT_TRUE(dladdr(reinterpret_cast<const void*>(&runtime::find_backend), &ours));
  const std::string library = ours.dli_fname, folder = library.substr(0, library.rfind('/') + 1);
  void* plugin = dlopen((folder + backends::cuda_library).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!plugin) GTEST_SKIP() << "built without CUDA: " << dlerror();
  auto* make = reinterpret_cast<backends::MakeCudaBackend*>(dlsym(plugin, backends::cuda_entry));
  ASSERT_TRUE(make);
  std::string why_not;
  const std::unique_ptr<runtime::Backend> backend(make(&why_not));
  if (backend) GTEST_SKIP() << "there is a GPU";
  EXPECT_THAT(why_not, ::testing::HasSubstr("driver"));
}

}  // namespace
}  // namespace anabranch
