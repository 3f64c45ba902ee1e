// Results in their three formats, read back by the readers of files.
#include "apps/server/job_result.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "apps/server/http_error.h"
#include "stratoscope/files/npz.h"
#include "stratoscope/files/safetensors.h"
#include "tests/files/every_array.h"

namespace stratoscope::server {
namespace {

JobResult sample() {
  JobResult result;
  result.json = {{"labels", {"Emb", "L0"}}, {"text", "a \xff byte"}};
  result.add("clean", {2, 3}).values = {0, 1, 2, 3, NAN, 5.5F};
  result.add("empty", {0, 3});
  return result;
}

std::filesystem::path written(const TemporaryFolder& folder, const std::string& name, const std::string& bytes) {
  std::ofstream(folder.path() / name, std::ios::binary) << bytes;
  return folder.path() / name;
}

TEST(JobResult, AsJsonIsTheDocument) {
  const auto json = nlohmann::json::parse(as_json(sample()));
  EXPECT_EQ(json["labels"][1], "L0");
  EXPECT_EQ(json.size(), 2U);
}

TEST(JobResult, AsSafetensorsIsReadBack) {
  const TemporaryFolder folder = make_temporary_folder();
  const SafetensorsFile file(written(folder, "a.safetensors", as_safetensors(sample())));
  EXPECT_EQ(nlohmann::json::parse(file.metadata().at("document"))["labels"][0], "Emb");
  const StoredTensor& clean = file.at("clean");
  EXPECT_EQ(clean.shape, (Shape{2, 3}));
  float last = 0;
  std::memcpy(&last, clean.bytes.data() + 5 * sizeof(float), sizeof last);
  EXPECT_EQ(last, 5.5F);
}

TEST(JobResult, AsNpzIsReadBack) {
  const TemporaryFolder folder = make_temporary_folder();
  const auto arrays = testing::every_array(written(folder, "a.npz", as_npz(sample())));
  EXPECT_EQ(arrays.at("clean").shape, (Shape{2, 3}));
  EXPECT_THROW(as_npz(JobResult{}), HttpError);
}

TEST(MakeTemporaryFolder, IsRemovedWithItsContent) {
  std::filesystem::path path;
  {
    const TemporaryFolder folder = make_temporary_folder();
    path = folder.path();
    written(folder, "x", "y");
    EXPECT_EQ(read_file(path / "x"), "y");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace stratoscope::server
