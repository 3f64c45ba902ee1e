#include "stratoscope/figures/child_process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/figures/sample_figures.h"

namespace stratoscope {
namespace {

TEST(RunProgram, ReturnsStatusOutputAndErrors) {
  const sample::Folder folder;
  const Outcome outcome = run_program({"sh", "-c", "pwd; echo wrong >&2; exit 3"}, folder.path(), 30);
  EXPECT_TRUE(outcome.found);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(outcome.output, std::filesystem::canonical(folder.path()).string() + "\n");
  EXPECT_EQ(outcome.errors, "wrong\n");
}

TEST(RunProgram, GivesNoInputAndNoSettingsOfGnuplot) {
  const sample::Folder folder;
  const sample::Environment terminal("GNUTERM", "dumb");
  EXPECT_EQ(run_program({"sh", "-c", "cat; echo [$GNUTERM]"}, folder.path(), 30).output, "[]\n");
}

TEST(RunProgram, PassesArgumentsWithoutAShell) {
  const sample::Folder folder;
  EXPECT_EQ(run_program({"printf", "%s", "$(id) `id` ; 'x'"}, folder.path(), 30).output, "$(id) `id` ; 'x'");
}

TEST(RunProgram, EndsWhatTakesTooLong) {
  const sample::Folder folder;
  const Outcome outcome = run_program({"sleep", "600"}, folder.path(), 0.05);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_EQ(outcome.status, 128 + 9);
}

TEST(RunProgram, SaysWhenThereIsNoSuchProgram) {
  const sample::Folder folder;
  EXPECT_FALSE(run_program({"no-such-program-anywhere"}, folder.path(), 30).found);
}

// Whether the process whose number a file holds has ended.
bool has_ended(const std::filesystem::path& file) {
  pid_t process = 0;
  std::ifstream(file) >> process;
  constexpr int kTries = 10000;
  for (int i = 0; process > 0 && i < kTries && ::kill(process, 0) == 0; ++i) {
    std::string state;
    std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
    stat >> state >> state >> state;
    if (state == "Z") return true;  // its status has not been collected
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return process > 0 && ::kill(process, 0) != 0;
}

constexpr const char* kStartsAnother = "sleep 600 & echo $! >other; wait";

TEST(RunProgram, EndsWhatTheProgramStartedToo) {
  const sample::Folder folder;
  EXPECT_TRUE(run_program({"sh", "-c", kStartsAnother}, folder.path(), 0.3).timed_out);
  EXPECT_TRUE(has_ended(folder / "other"));
  EXPECT_EQ(run_program({"sh", "-c", "sleep 600 & echo $! >left"}, folder.path(), 30).status, 0);
  EXPECT_TRUE(has_ended(folder / "left"));
}

TEST(RunProgram, EndsWithUsHoweverThatIs) {
  const sample::Folder folder;
  const pid_t other_us = ::fork();
  if (other_us == 0) {
    run_program({"sh", "-c", kStartsAnother}, folder.path(), 600);
    ::_exit(0);
  }
  std::error_code ignored;
  for (std::uintmax_t size = 0; size == 0 || ignored; size = std::filesystem::file_size(folder / "other", ignored))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ::kill(other_us, SIGKILL);
  ::waitpid(other_us, nullptr, 0);
  EXPECT_TRUE(has_ended(folder / "other"));
}

}  // namespace
}  // namespace stratoscope
