#include "stratoscope/hub/nonfinite_tensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>

#include "tests/base/temporary_folder.h"

namespace stratoscope {
namespace {

// Tensors of a mapped file, at odd addresses there.
class Stored {
 public:
  Stored() { add("one byte", DType::i8, std::vector<std::int8_t>{-1}); }

  template <class Number>
  void add(const std::string& name, DType dtype, const std::vector<Number>& numbers) {
    std::vector<std::byte>& bytes = bytes_.emplace_back(numbers.size() * sizeof(Number));
    std::copy_n(std::as_bytes(std::span(numbers)).begin(), bytes.size(), bytes.begin());
    arrays_.push_back({name, dtype, {numbers.size()}, bytes});
  }
  std::vector<std::string> nonfinite() const {
    const testing::TemporaryFolder folder;
    write_safetensors(folder / "a.safetensors", arrays_);
    const SafetensorsFile file(folder / "a.safetensors");
    std::vector<std::pair<std::string, StoredTensor>> tensors;
    for (const ArrayView& array : arrays_) tensors.emplace_back(array.name, file.at(array.name));
    return names_of_nonfinite(tensors);
  }

 private:
  std::deque<std::vector<std::byte>> bytes_;
  std::vector<ArrayView> arrays_;
};

// The first or the last of 37 numbers, all others zero.
template <class Number>
std::vector<Number> with(Number number, bool last) {
  std::vector<Number> numbers(37);
  (last ? numbers.back() : numbers.front()) = number;
  return numbers;
}

template <class Number>
std::vector<std::string> found_in(DType dtype, std::initializer_list<Number> numbers) {
  Stored stored;
  std::size_t count = 0;
  for (const Number number : numbers)
    for (const bool last : {false, true}) stored.add(std::to_string(count++), dtype, with(number, last));
  return stored.nonfinite();
}

template <class Number>
std::size_t found_of_infinities_and_nans(DType dtype) {
  using Limits = std::numeric_limits<Number>;
  return found_in<Number>(dtype, {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}).size();
}

template <class Number>
std::size_t found_of_finite_numbers(DType dtype) {
  using Limits = std::numeric_limits<Number>;
  return found_in<Number>(dtype, {Limits::max(), Limits::lowest(), Limits::min(), Limits::denorm_min(), -0.0}).size();
}

TEST(NonfiniteTensors, InfinitiesAndNansOfEveryTypeAreFound) {
  EXPECT_EQ(found_of_infinities_and_nans<double>(DType::f64), 6U);
  EXPECT_EQ(found_of_infinities_and_nans<float>(DType::f32), 6U);
  EXPECT_EQ(found_in<std::uint16_t>(DType::f16, {0x7c00, 0xfc00, 0x7c01, 0x7e00, 0xffff}).size(), 10U);
  EXPECT_EQ(found_in<std::uint16_t>(DType::bf16, {0x7f80, 0xff80, 0x7f81, 0x7fc0, 0xffff}).size(), 10U);
}

TEST(NonfiniteTensors, ExtremeFiniteNumbersAreNot) {
  EXPECT_EQ(found_of_finite_numbers<double>(DType::f64), 0U);
  EXPECT_EQ(found_of_finite_numbers<float>(DType::f32), 0U);
  EXPECT_EQ(found_in<std::uint16_t>(DType::f16, {0x7bff, 0xfbff, 0x0001, 0x8000, 0x3c00}).size(), 0U);
  EXPECT_EQ(found_in<std::uint16_t>(DType::bf16, {0x7f7f, 0xff7f, 0x0001, 0x8000, 0x3f80}).size(), 0U);
}

TEST(NonfiniteTensors, NamesComeInTheOrderOfTheTensorsAndWholeNumbersAreNeverBad) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Stored stored;
  stored.add("z", DType::f32, with(nan, true));
  stored.add("fine", DType::f32, with(1.0F, true));
  stored.add("whole", DType::i32, with(std::int32_t{-1}, false));
  stored.add("empty", DType::f32, std::vector<float>{});
  stored.add("a", DType::f32, with(-nan, false));
  EXPECT_EQ(stored.nonfinite(), (std::vector<std::string>{"z", "a"}));
}

}  // namespace
}  // namespace stratoscope
