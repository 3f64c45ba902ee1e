// Every writer on a disk that fails: at each byte, as a full one does, and at each call. The old files stay complete,
// or the new ones are complete; no temporary file stays.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <map>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/staged_folder.h"
#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/save_figure.h"
#include "stratoscope/files/npy.h"
#include "stratoscope/files/npz.h"
#include "stratoscope/files/safetensors.h"
#include "tests/base/temporary_folder.h"
#include "tests/faults/failing_disk.h"
#include "tests/figures/sample_figures.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;
using sample::Environment;
using testing::disk;
using testing::kEndless;
using testing::repair_disk;
using testing::TemporaryFolder;

using Snapshot = std::map<std::string, std::string>;  // every file below a folder, and its content

Snapshot snapshot(const fs::path& folder) {
  Snapshot files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    files[fs::relative(entry.path(), folder).string()] = entry.is_directory() ? "/" : testing::bytes_of(entry.path());
  return files;
}

struct Writer {
  const char* name;
  std::function<void(const fs::path& folder, int version)> write;
  std::uint64_t step = 1;           // bytes between two failures; above 1 if each needs a process
  bool files_on_their_own = false;  // several files, each complete, of which some may be new
};

std::ostream& operator<<(std::ostream& out, const Writer& writer) { return out << writer.name; }

Figure figure_of(int version) {
  Figure figure = sample::lines();
  figure.title = version == 0 ? "Before" : "After, and longer";
  return figure;
}

const std::vector<float> kNumbers = {1, 2, 3, 4, 5, 6};

std::vector<ArrayView> arrays(int version) {
  const std::span<const float> numbers = kNumbers;
  std::vector<ArrayView> views = {array_view("a", numbers.first(4), {2, 2})};
  if (version == 1) views.push_back(array_view("b", numbers, {6}));
  return views;
}

Writer figure_writer(const char* name) {
  // Drawn forms start gnuplot once for each failure; their bytes go through the same calls as all others.
  const bool drawn = std::string_view(name) != "a.vl.json";
  return {name, [name](const fs::path& to, int v) { save_figure(figure_of(v), to / name, Theme::light); },
          drawn ? std::uint64_t{101} : 1, true};
}

void write_folder(const fs::path& to, int version) {
  StagedFolder folder(to / "demo", ".ours");
  write_file_atomically(folder.temporary() / "page", version == 0 ? "one" : "another one");
  fs::create_directory(folder.temporary() / "inner");
  write_file_atomically(folder.temporary() / "inner/data", std::string(40, version == 0 ? 'x' : 'y'));
  folder.commit();
}

const Writer kWriters[] = {
    {"text", [](const fs::path& to, int v) { write_file_atomically(to / "a.json", v == 0 ? "{}" : "{\"key\": 1}"); }},
    {"csv", [](const fs::path& to, int v) { write_file_atomically(to / "a.csv", csv(figure_of(v))); }},
    {"npy", [](const fs::path& to, int v) { write_npy(to / "a.npy", arrays(v).back()); }},
    {"npz", [](const fs::path& to, int v) { write_npz(to / "a.npz", arrays(v)); }},
    {"safetensors", [](const fs::path& to, int v) { write_safetensors(to / "a.safetensors", arrays(v)); }},
    {"folder", write_folder},
    figure_writer("a.vl.json"),
    figure_writer("a.html"),
    figure_writer("a.svg"),
    figure_writer("a.png"),
    figure_writer("a.pdf"),
};

class FailingWrites : public ::testing::TestWithParam<Writer> {
 protected:
  // A stand-in for gnuplot that draws the same picture immediately.
  void SetUp() override {
    const fs::path program = bin_.file("gnuplot", R"(#!/bin/sh
echo '<?xml version="1.0"?><svg width="1" height="1" viewBox="0 0 1 1"></svg>' >a.svg
cp a.svg figure.svg
printf '\211PNG\r\n\032\nIEND' >a.png
printf '%%PDF-1.5 %%%%EOF' >a.pdf
)");
    fs::permissions(program, fs::perms::owner_all);
    fs::create_directory(bin_ / "tmp");
  }
  void TearDown() override { repair_disk(); }

  fs::path empty_folder() const {
    fs::remove_all(bin_ / "out");
    fs::create_directory(bin_ / "out");
    return bin_ / "out";
  }

  // The files on a working disk, after version 0 and after version 1.
  void write_both() {
    const fs::path folder = empty_folder();
    GetParam().write(folder, 0);
    before_ = snapshot(folder);
    repair_disk();
    GetParam().write(folder, 1);
    after_ = snapshot(folder);
    bytes_ = disk().written;
    calls_ = disk().called;
  }

  // Version 1 on a disk like `failing`, with version 0 in place or with nothing.
  void write_on(const testing::Disk& failing, bool with_old) {
    const fs::path folder = empty_folder();
    if (with_old) GetParam().write(folder, 0);
    disk() = failing;
    std::string failure;
    try {
      GetParam().write(folder, 1);
    } catch (const Error& error) {
      failure = error.what();
    }
    repair_disk();
    check(snapshot(folder), with_old ? before_ : Snapshot{}, failure);
    EXPECT_TRUE(fs::is_empty(bin_ / "tmp")) << "in the temporary folder";
  }

  void check(const Snapshot& now, const Snapshot& old, const std::string& failure) const {
    if (failure.empty()) {
      EXPECT_EQ(now, after_);
    }
    if (!GetParam().files_on_their_own) {
      EXPECT_TRUE(now == old || now == after_) << failure;
      return;
    }
    for (const auto& [name, bytes] : now) {
      const bool is_old = old.contains(name) && old.at(name) == bytes;
      EXPECT_TRUE(is_old || (after_.contains(name) && after_.at(name) == bytes)) << name << " " << failure;
    }
    for (const auto& [name, bytes] : old) EXPECT_TRUE(now.contains(name)) << name << " is gone; " << failure;
  }

  TemporaryFolder bin_;
  Environment path_{"PATH", bin_.path().string() + ":/usr/bin:/bin"};
  Environment temporary_{"TMPDIR", (bin_ / "tmp").string()};
  Snapshot before_, after_;
  std::uint64_t bytes_ = 0, calls_ = 0;
};

TEST_P(FailingWrites, AtEveryByte) {
  write_both();
  ASSERT_GT(bytes_, 0U);
  const std::uint64_t step = GetParam().step * (test::kWatched ? 5 : 1);
  for (std::uint64_t room = 0; room < bytes_; room += step)
    for (const bool with_old : {true, false}) {
      SCOPED_TRACE("a disk with room for " + std::to_string(room) + " of " + std::to_string(bytes_) + " bytes");
      write_on({room, kEndless, ENOSPC}, with_old);
      if (HasFailure()) return;
    }
}

TEST_P(FailingWrites, AtEveryCall) {
  write_both();
  ASSERT_GT(calls_, 3U);
  for (std::uint64_t calls = 0; calls < calls_; ++calls)
    for (const bool with_old : {true, false}) {
      SCOPED_TRACE("a disk that fails after " + std::to_string(calls) + " of " + std::to_string(calls_) + " calls");
      write_on({kEndless, calls, EIO}, with_old);
      if (HasFailure()) return;
    }
}

TEST_P(FailingWrites, AFullDiskIsNamedAsTheReason) {
  const fs::path folder = empty_folder();
  disk() = {0, kEndless, ENOSPC};
  try {
    GetParam().write(folder, 1);
    FAIL() << "no Error was thrown";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(std::strerror(ENOSPC)), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Writers, FailingWrites, ::testing::ValuesIn(kWriters), [](const auto& test) {
  std::string name = test.param.name;
  for (char& c : name)
    if (c == '.') c = '_';
  return name;
});

}  // namespace
}  // namespace stratoscope
