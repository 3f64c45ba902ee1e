// NumPy itself reads our files, and we read NumPy's.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "stratoscope/files/npy.h"
#include "stratoscope/files/npz.h"
#include "stratoscope/files/safetensors.h"
#include "tests/base/temporary_folder.h"
#include "tests/files/every_array.h"

namespace stratoscope {
namespace {

using testing::TemporaryFolder;

bool numpy_is_here() { return std::system("/usr/bin/python3 -c 'import numpy' >/dev/null 2>&1") == 0; }

int exchange(const std::string& verb, const TemporaryFolder& folder) {
  const std::string script = STRATOSCOPE_SOURCE_DIR "/tests/files/numpy_exchange.py";
  return std::system(("/usr/bin/python3 -B '" + script + "' " + verb + " '" + folder.path().string() + "'").c_str());
}

struct Sample {
  std::string name;
  DType dtype;
  Shape shape;
  std::vector<double> values;
};

// The same arrays, in the same order, as numpy_exchange.py has.
std::vector<Sample> samples() {
  const std::vector<std::pair<std::string, Shape>> shapes = {
      {"scalar", {}}, {"vector", {7}}, {"matrix", {3, 5}}, {"cube.with.dots", {2, 3, 4}}, {"none", {0, 4}}};
  std::vector<Sample> all;
  for (const DType dtype :
       {DType::f64, DType::f32, DType::f16, DType::i64, DType::i32, DType::i16, DType::i8, DType::u8, DType::boolean}) {
    for (const auto& [name, shape] : shapes) {
      std::vector<double> values(element_count(shape));
      for (std::size_t i = 0; i < values.size(); ++i) {
        const int number = static_cast<int>(i * 7 % 23);
        values[i] = dtype == DType::boolean ? number % 2 : dtype == DType::u8 ? number : number - 5;
        if (is_floating(dtype)) values[i] /= 8;
      }
      all.push_back({std::string(name_of(dtype)) + "." + name, dtype, shape, std::move(values)});
    }
  }
  return all;
}

// IEEE half of an eighth between -5/8 and 17/8, exactly.
std::uint16_t half_of(double value) {
  if (value == 0) return 0;
  const auto bits = static_cast<std::uint16_t>(value < 0 ? 0x8000 : 0);
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);  // in [0.5, 1)
  return static_cast<std::uint16_t>(bits | (exponent + 14) << 10 | static_cast<int>((fraction * 2 - 1) * 1024));
}

template <class T>
void append(std::vector<std::byte>& bytes, T value) {
  bytes.resize(bytes.size() + sizeof value);
  std::memcpy(bytes.data() + bytes.size() - sizeof value, &value, sizeof value);
}

std::vector<std::byte> encoded(const Sample& sample) {
  std::vector<std::byte> bytes;
  for (const double value : sample.values) {
    switch (sample.dtype) {
      case DType::f64: append(bytes, value); break;
      case DType::f32: append(bytes, static_cast<float>(value)); break;
      case DType::f16: append(bytes, half_of(value)); break;
      case DType::i64: append(bytes, static_cast<std::int64_t>(value)); break;
      case DType::i32: append(bytes, static_cast<std::int32_t>(value)); break;
      case DType::i16: append(bytes, static_cast<std::int16_t>(value)); break;
      default: append(bytes, static_cast<std::int8_t>(value)); break;
    }
  }
  return bytes;
}

void expect_same(const StoredArray& array, const Sample& sample) {
  EXPECT_EQ(array.dtype, sample.dtype) << sample.name;
  EXPECT_EQ(array.shape, sample.shape) << sample.name;
  EXPECT_EQ(array.bytes, encoded(sample)) << sample.name;
}

TEST(NumPy, ReadsWhatWeWrite) {
  if (!numpy_is_here()) GTEST_SKIP() << "/usr/bin/python3 with numpy is not here (apt install python3-numpy)";
  const TemporaryFolder folder;
  const std::vector<Sample> all = samples();
  std::vector<std::vector<std::byte>> bytes;
  std::vector<ArrayView> arrays;
  bytes.reserve(all.size());
  for (const Sample& sample : all) bytes.push_back(encoded(sample));
  for (std::size_t i = 0; i < all.size(); ++i) arrays.push_back({all[i].name, all[i].dtype, all[i].shape, bytes[i]});
  for (const ArrayView& array : arrays) write_npy(folder / (array.name + ".npy"), array);
  write_npz(folder / "arrays.npz", arrays);
  write_safetensors(folder / "arrays.safetensors", arrays, {{"text", "“cute”"}});
  EXPECT_EQ(exchange("check", folder), 0);
}

TEST(NumPy, WritesWhatWeRead) {
  if (!numpy_is_here()) GTEST_SKIP() << "/usr/bin/python3 with numpy is not here (apt install python3-numpy)";
  const TemporaryFolder folder;
  ASSERT_EQ(exchange("write", folder), 0);
  const std::map<std::string, StoredArray> stored = testing::every_array(folder / "stored.npz");
  const std::map<std::string, StoredArray> deflated = testing::every_array(folder / "deflated.npz");
  const std::vector<Sample> all = samples();
  EXPECT_EQ(stored.size(), all.size());
  EXPECT_EQ(deflated.size(), all.size());
  for (const Sample& sample : all) {
    expect_same(read_npy(folder / (sample.name + ".npy")), sample);
    expect_same(stored.at(sample.name), sample);
    expect_same(deflated.at(sample.name), sample);
  }
}

}  // namespace
}  // namespace stratoscope
