#include "stratoscope/base/mapped_file_guard.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "stratoscope/base/guarded_range.h"
#include "stratoscope/base/mapped_file.h"
#include "tests/base/error_text.h"
#include "tests/base/temporary_folder.h"

namespace stratoscope {
namespace {

using testing::error_text;
using testing::holds;
using testing::TemporaryFolder;

constexpr std::size_t kBytes = 100'000;

std::size_t count_of(const MappedFile& file, char c) {
  return static_cast<std::size_t>(std::count(file.bytes().begin(), file.bytes().end(), static_cast<std::byte>(c)));
}

TEST(MappedFileGuard, ATruncatedFileReadsAsZerosAndIsAnError) {
  guard_mapped_files();
  const TemporaryFolder folder;
  const MappedFile file(folder.file("a", std::string(kBytes, 'x'))), other(folder.file("b", std::string(kBytes, 'y')));
  file.check_unchanged();
  ASSERT_EQ(::truncate(file.path().c_str(), 5000), 0);
  EXPECT_EQ(count_of(file, 'x'), 5000U);
  EXPECT_EQ(file.bytes().back(), std::byte{0});
  EXPECT_TRUE(holds(error_text([&] { file.check_unchanged(); }), "a: was changed while it was in use"));
  EXPECT_EQ(count_of(other, 'y'), kBytes);
  EXPECT_NO_THROW(other.check_unchanged());
}

TEST(MappedFileGuard, ManyThreadsMayMeetTheMissingPages) {
  guard_mapped_files();
  const TemporaryFolder folder;
  const MappedFile file(folder.file("a", std::string(kBytes, 'x')));
  std::filesystem::resize_file(file.path(), 0);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(count_of(file, 'x'), 0U); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THROW(file.check_unchanged(), Error);
}

TEST(MappedFileGuard, ItsRangesAreUsedAgain) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.file("a", "text");
  GuardedRange* range = add_guarded_range(&path, 1);
  remove_guarded_range(range);
  EXPECT_EQ(add_guarded_range(&folder, 1), range);
  remove_guarded_range(range);
}

TEST(MappedFileGuardDeathTest, WithoutItTheSignalEndsTheProcess) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";  // a process without the guard
  const TemporaryFolder folder;
  const MappedFile file(folder.file("a", std::string(kBytes, 'x')));
  std::filesystem::resize_file(file.path(), 0);
  EXPECT_EXIT(
      {
        ::signal(SIGBUS, SIG_DFL);
        std::exit(count_of(file, 'x') == 0 ? 0 : 1);
      },
      ::testing::KilledBySignal(SIGBUS), "");
}

TEST(MappedFileGuardDeathTest, ASignalFromElsewhereDoesWhatItDid) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  // The system's default action, also if a sanitizer has a handler of its own.
  EXPECT_EXIT((::signal(SIGBUS, SIG_DFL), guard_mapped_files(), ::raise(SIGBUS)), ::testing::KilledBySignal(SIGBUS),
              "");
  EXPECT_EXIT(
      {
        ::signal(SIGBUS, SIG_DFL);
        guard_mapped_files();
        const TemporaryFolder folder;
        const auto path = folder.file("a", std::string(kBytes, 'x'));
        std::FILE* file = std::fopen(path.c_str(), "rb");
        const auto* bytes =
            static_cast<const char*>(::mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE, ::fileno(file), 0));
        std::filesystem::resize_file(path, 0);
        std::exit(bytes[0]);
      },
      ::testing::KilledBySignal(SIGBUS), "");
}

}  // namespace
}  // namespace stratoscope
