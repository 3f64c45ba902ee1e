#include "stratoscope/files/save_arrays.h"

#include <gtest/gtest.h>

#include "stratoscope/files/npz.h"
#include "stratoscope/files/safetensors.h"
#include "tests/base/error_text.h"
#include "tests/base/temporary_folder.h"
#include "tests/files/every_array.h"

namespace stratoscope {
namespace {

TEST(SaveArrays, TheEndingChoosesTheFormat) {
  const testing::TemporaryFolder folder;
  const std::vector<float> numbers = {1, 2};
  const std::vector<ArrayView> arrays = {array_view("x", numbers, {2})};
  save_arrays(folder / "a.safetensors", arrays, {{"text", "cute"}});
  save_arrays(folder / "a.npz", arrays, {{"text", "cute"}});
  const SafetensorsFile file(folder / "a.safetensors");
  EXPECT_EQ(file.at("x").shape, (Shape{2}));
  EXPECT_EQ(file.metadata().at("text"), "cute");
  EXPECT_EQ(testing::every_array(folder / "a.npz").at("x").shape, (Shape{2}));
}

TEST(SaveArrays, AnotherEndingIsRefusedBeforeAnythingIsWritten) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"a", "a.npy", "a.npz.bak", ".npz"}) {
    const std::string text = testing::error_text([&] { save_arrays(folder / name, {}); });
    EXPECT_TRUE(testing::holds(text, std::string(name) + ": arrays are written as .safetensors or .npz"));
  }
  EXPECT_EQ(folder.entry_count(), 0U);
}

}  // namespace
}  // namespace stratoscope
