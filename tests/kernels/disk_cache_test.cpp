// Compiled kernels in files: found again, and never believed where they could be wrong.
#include "kernels/nvrtc/disk_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "kernels/nvrtc/background.h"
#include "kernels/nvrtc/nvrtc.h"

namespace anabranch::kernels {
namespace {

namespace fs = std::filesystem;

class DiskCacheTest : public ::testing::Test {
 protected:
  DiskCacheTest() {
    char name[] = "/tmp/anabranch-XXXXXX";
    root_ = mkdtemp(name);
    folder_ = root_ / "deep" / "cache";
  }
  ~DiskCacheTest() override { fs::remove_all(root_); }

  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path());
    return found;
  }

  fs::path root_, folder_;
};

TextHash hash_of(const std::string& text) {
  TextHash hash;
  hash.add(text);
  return hash;
}

std::vector<char> code_of(char c, std::size_t size = 1000) { return std::vector<char>(size, c); }

TEST_F(DiskCacheTest, FindsWhatWasAdded) {
  {
    const DiskCache cache(folder_, 1 << 20);
    EXPECT_TRUE(cache.find(hash_of("a")).empty());
    cache.add(hash_of("a"), code_of('a'));
    cache.add(hash_of("b"), code_of('b'));
  }
  struct stat status{};
  ASSERT_EQ(::stat(folder_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  const DiskCache cache(folder_, 1 << 20);
  EXPECT_EQ(cache.find(hash_of("a")), code_of('a'));
  EXPECT_EQ(cache.find(hash_of("b")), code_of('b'));
  EXPECT_TRUE(cache.find(hash_of("c")).empty());
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(DiskCacheTest, DamagedFilesAreNotThere) {
  const DiskCache cache(folder_, 1 << 20);
  cache.add(hash_of("a"), code_of('a'));
  const fs::path path = files().at(0);
  const auto whole = fs::file_size(path);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(500).put('x');
  EXPECT_TRUE(cache.find(hash_of("a")).empty());
  cache.add(hash_of("a"), code_of('a'));
  EXPECT_EQ(cache.find(hash_of("a")), code_of('a'));
  for (const std::uintmax_t size : {whole - 1, std::uintmax_t{20}, std::uintmax_t{0}, whole + 5}) {
    fs::resize_file(path, size);
    EXPECT_TRUE(cache.find(hash_of("a")).empty());
    cache.add(hash_of("a"), code_of('a'));
  }
  // Another program's code under this one's name.
  cache.add(hash_of("b"), code_of('b'));
  for (const auto& other : files())
    if (other != path) fs::copy_file(other, path, fs::copy_options::overwrite_existing);
  EXPECT_TRUE(cache.find(hash_of("a")).empty());
}

TEST_F(DiskCacheTest, FoldersThatOthersWriteToAreNotUsed) {
  fs::create_directories(folder_);
  ::chmod(folder_.c_str(), 0777);
  const DiskCache open_to_all(folder_, 1 << 20);
  open_to_all.add(hash_of("a"), code_of('a'));
  EXPECT_TRUE(open_to_all.find(hash_of("a")).empty());
  EXPECT_TRUE(files().empty());
  ::chmod(folder_.c_str(), 0700);
  fs::create_directory_symlink(folder_, root_ / "link");
  const DiskCache link(root_ / "link", 1 << 20);
  link.add(hash_of("a"), code_of('a'));
  EXPECT_TRUE(files().empty());
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(folder_.c_str(), 12345, 12345), 0);
    const DiskCache foreign(folder_, 1 << 20);
    foreign.add(hash_of("a"), code_of('a'));
    EXPECT_TRUE(files().empty());
  }
}

TEST_F(DiskCacheTest, NoFolderIsNoCache) {
  for (const std::string& folder : {std::string(), std::string("/proc/no/such/folder")}) {
    const DiskCache cache(folder, 1 << 20);
    cache.add(hash_of("a"), code_of('a'));
    EXPECT_TRUE(cache.find(hash_of("a")).empty());
  }
}

TEST_F(DiskCacheTest, WhatWasNotUsedGoes) {
  const DiskCache cache(folder_, 10000);
  const auto now = fs::file_time_type::clock::now();
  for (int i = 0; i < 9; ++i) {
    cache.add(hash_of(std::to_string(i)), code_of('a'));
    for (const auto& path : files())
      if (fs::last_write_time(path) > now - std::chrono::hours(1))
        fs::last_write_time(path, now - std::chrono::hours(20 - i));
  }
  EXPECT_FALSE(cache.find(hash_of("0")).empty());  // used now
  cache.add(hash_of("new"), code_of('a'));
  EXPECT_FALSE(cache.find(hash_of("0")).empty());
  EXPECT_FALSE(cache.find(hash_of("new")).empty());
  EXPECT_TRUE(cache.find(hash_of("1")).empty());
  EXPECT_FALSE(cache.find(hash_of("8")).empty());
  EXPECT_LE(files().size(), 8u);
}

TEST_F(DiskCacheTest, ManyAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const DiskCache cache(folder_, 1 << 20);
      for (int i = 0; i < 50; ++i) {
        const std::string name = std::to_string(i % 10);
        const std::vector<char> code = cache.find(hash_of(name));
        EXPECT_TRUE(code.empty() || code == code_of(name[0]));
        cache.add(hash_of(name), code_of(name[0]));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(files().size(), 10u);
}

TEST(CacheFolder, IsTheUsers) {
  const auto with = [](const char* own, const char* caches, const char* home) {
    const auto set = [](const char* name, const char* value) { value ? ::setenv(name, value, 1) : ::unsetenv(name); };
    set("ANABRANCH_CACHE_DIR", own);
    set("XDG_CACHE_HOME", caches);
    set("HOME", home);
    return cache_folder();
  };
  const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  EXPECT_EQ(with("/own", "/caches", "/home/me"), "/own");
  EXPECT_EQ(with("", "/caches", "/home/me"), "");
  EXPECT_EQ(with(nullptr, "/caches", "/home/me"), "/caches/anabranch");
  EXPECT_EQ(with(nullptr, "relative", "/home/me"), "/home/me/.cache/anabranch");
  EXPECT_EQ(with(nullptr, nullptr, nullptr), "");
  ::setenv("HOME", home.c_str(), 1);
}

TEST(TextHash, SeesEverything) {
  EXPECT_NE(hash_of("a").low, hash_of("b").low);
  EXPECT_NE(hash_of(std::string("a\0", 2)).high, hash_of("a").high);
  TextHash ab, a_b;
  ab.add("ab");
  a_b.add("a");
  a_b.add("b");
  EXPECT_NE(ab.high, a_b.high);
}

TEST(Background, RunsJobsInOrder) {
  std::vector<int> order;
  for (int i = 0; i < 20; ++i) run_in_background([&order, i] { order.push_back(i); });
  wait_for_background();
  ASSERT_EQ(order.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

// The job that runs is waited for, those after it are not run.
TEST(BackgroundDeathTest, EndsWithTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        run_in_background([] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); });
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        run_in_background([] { std::this_thread::sleep_for(std::chrono::hours(1)); });
        std::exit(3);
      },
      ::testing::ExitedWithCode(3), "");
}

// While the compiler is loaded, used for the first time, and busy.
TEST(BackgroundDeathTest, TheCompilerIsWaitedFor) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int ms : {0, 5, 20, 60, 100, 150}) {
    EXPECT_EXIT(
        {
          for (int i = 0; i < 20; ++i)
            run_in_background([] { compile_text("#include \"pairs.cuh\"\n__global__ void program() {}", "sm_90"); });
          std::this_thread::sleep_for(std::chrono::milliseconds(ms));
          std::exit(3);
        },
        ::testing::ExitedWithCode(3), "")
        << ms;
  }
}

// A child has no thread, and does not wait for one.
TEST(BackgroundDeathTest, ChildrenEndByThemselves) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "What the parent's thread holds is a leak of the child's, to the sanitizer.";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        run_in_background([] { std::this_thread::sleep_for(std::chrono::milliseconds(200)); });
        const pid_t child = ::fork();
        if (child == 0) std::exit(0);
        int status = 1;
        ::waitpid(child, &status, 0);
        std::exit(status == 0 ? 4 : 5);
      },
      ::testing::ExitedWithCode(4), "");
}

}  // namespace
}  // namespace anabranch::kernels
