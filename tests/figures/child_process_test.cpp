#include "stratoscope/figures/child_process.h"

#include <gtest/gtest.h>

#include <filesystem>

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

}  // namespace
}  // namespace stratoscope
