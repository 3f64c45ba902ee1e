// Vectors from files, which are read once for all edits.
#include "stratoscope/probe/vector_files.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "stratoscope/files/npy.h"
#include "stratoscope/files/save_arrays.h"
#include "tests/base/temporary_folder.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::refuses;

class VectorsInFiles : public ::testing::Test {
 protected:
  std::string write(const char* name, const std::vector<float>& numbers, Shape shape) const {
    const auto path = folder_.path() / name;
    const ArrayView array{"v", DType::f32, std::move(shape), std::as_bytes(std::span(numbers))};
    if (path.extension() == ".npy")
      write_npy(path, array);
    else
      save_arrays(path, std::span(&array, 1));
    return path.string();
  }

  testing::TemporaryFolder folder_;
  VectorFiles files_;
};

TEST_F(VectorsInFiles, NumbersShapeAndLargestMagnitude) {
  const auto npy = write("a.npy", {1, -3.5, 2}, {3});
  const auto& vector = files_.read(npy, "", 3);
  EXPECT_EQ(vector.shape, (Shape{3}));
  EXPECT_EQ(vector.largest, 3.5);
  ASSERT_TRUE(vector.numbers);
  EXPECT_EQ(vector.numbers->data()[1], -3.5);

  const auto tensors = write("a.safetensors", {4, 5, 6, 7}, {2, 2});
  const auto& row = files_.read(tensors, "v", 4);
  EXPECT_EQ(row.shape, (Shape{2, 2}));
  EXPECT_EQ(row.numbers->data()[3], 7);
}

TEST_F(VectorsInFiles, AreReadOnce) {
  const auto file = write("a.npy", {1, 2}, {2});
  const auto first = files_.read(file, "", 2).numbers;
  std::filesystem::remove(file);
  EXPECT_EQ(files_.read(file, "", 2).numbers, first);
  EXPECT_TRUE(refuses([&] { VectorFiles().read(file, "", 2); }, "a.npy"));
}

TEST_F(VectorsInFiles, OfAnotherLengthHaveAShapeAlone) {
  const auto file = write("a.npy", {1, 2, 3}, {3});
  const auto& vector = files_.read(file, "", 2);
  EXPECT_FALSE(vector.numbers);
  EXPECT_EQ(vector.shape, (Shape{3}));
  EXPECT_TRUE(files_.read(file, "", 3).numbers);
}

TEST_F(VectorsInFiles, ANumberThatIsNoneIsTheLargest) {
  const auto file = write("a.npy", {1, std::numeric_limits<float>::quiet_NaN(), 9}, {3});
  EXPECT_TRUE(std::isnan(files_.read(file, "", 3).largest));
}

TEST_F(VectorsInFiles, WhatIsNotThereIsNamed) {
  EXPECT_TRUE(refuses([&] { files_.read((folder_.path() / "none.npy").string(), "", 3); }, "none.npy"));
  const auto file = write("a.safetensors", {1}, {1});
  EXPECT_TRUE(refuses([&] { files_.read(file, "w", 1); }, "'w'"));
}

}  // namespace
}  // namespace stratoscope
