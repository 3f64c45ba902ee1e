#include "stratoscope/files/npz.h"

#include <gtest/gtest.h>
#include <zip.h>

#include <cstring>
#include <vector>

#include "tests/base/error_text.h"
#include "tests/base/file_size_limit.h"
#include "tests/base/temporary_folder.h"
#include "tests/files/every_array.h"
#include "tests/files/forged_file.h"

namespace stratoscope {
namespace {

using testing::bytes_of;
using testing::bytes_of_values;
using testing::error_text;
using testing::every_array;
using testing::forged_npy;
using testing::holds;
using testing::little_endian;
using testing::TemporaryFolder;

// Makes an archive of these entries, deflated.
std::filesystem::path deflated(const TemporaryFolder& folder,
                               const std::vector<std::pair<std::string, std::string>>& entries) {
  std::filesystem::path path = folder / "deflated.npz";
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, bytes] : entries)
    zip_file_add(archive, name.c_str(), zip_source_buffer(archive, bytes.data(), bytes.size(), 0), 0);
  EXPECT_EQ(zip_close(archive), 0);
  return path;
}

std::string npy_of(const std::vector<float>& numbers) {
  return forged_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(numbers.size()) + ",)}",
                    bytes_of_values(numbers));
}

std::vector<double> doubles(const StoredArray& array) {
  std::vector<double> values(element_count(array.shape));
  convert(array.dtype, array.bytes, std::span<double>(values));
  return values;
}

std::string text_of_reading(const std::filesystem::path& path, std::size_t max_expansion = kMaxNpzExpansion) {
  return error_text([&] { every_array(path, max_expansion); });
}

TEST(Npz, WhatIsWrittenIsReadBack) {
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6}, none;
  const std::vector<std::int64_t> ids = {-7};
  write_npz(folder / "a.npz", std::vector{array_view("blocks.0.hook_resid_pre", numbers, {2, 3}),
                                          array_view("ids", ids, {}), array_view("käfer", none, {0, 4})});
  const std::map<std::string, StoredArray> arrays = every_array(folder / "a.npz");
  EXPECT_EQ(arrays.size(), 3U);
  EXPECT_EQ(arrays.at("blocks.0.hook_resid_pre").shape, (Shape{2, 3}));
  EXPECT_EQ(doubles(arrays.at("blocks.0.hook_resid_pre")), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(arrays.at("ids").dtype, DType::i64);
  EXPECT_EQ(doubles(arrays.at("ids")), std::vector<double>{-7});
  EXPECT_EQ(arrays.at("käfer").shape, (Shape{0, 4}));
  EXPECT_EQ(folder.entry_count(), 1U);
}

TEST(Npz, TheSameArraysGiveTheSameBytesOnAnyDay) {
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1, 2};
  const std::vector<ArrayView> arrays = {array_view("x", numbers, {2})};
  write_npz(folder / "a.npz", arrays);
  write_npz(folder / "b.npz", arrays);
  const std::string bytes = bytes_of(folder / "a.npz");
  EXPECT_EQ(bytes, bytes_of(folder / "b.npz"));
  EXPECT_EQ(bytes.substr(0, 4), "PK\3\4");
  EXPECT_EQ(bytes.substr(8, 2), little_endian(0, 2));            // stored
  EXPECT_EQ(bytes.substr(10, 4), little_endian(0x00210000, 4));  // 1 January 1980, midnight
}

TEST(Npz, ReadsDeflatedArrays) {
  const TemporaryFolder folder;
  const std::vector<float> numbers(1000, 0.5F);
  const std::map<std::string, StoredArray> arrays = every_array(deflated(folder, {{"x.npy", npy_of(numbers)}}));
  EXPECT_EQ(doubles(arrays.at("x")), std::vector<double>(1000, 0.5));
}

TEST(Npz, RefusesToWriteWhatItCannotHold) {
  const TemporaryFolder folder;
  const std::vector<float> one = {1};
  const auto text_for = [&](const std::vector<ArrayView>& arrays) {
    return error_text([&] { write_npz(folder / "a.npz", arrays); });
  };
  EXPECT_TRUE(holds(text_for({}), "there is no array to write"));
  EXPECT_TRUE(holds(text_for({array_view("x", one, {1}), array_view("x", one, {1})}), "two arrays are called 'x'"));
  for (const char* name : {"", "a/b", "a\nb"})
    EXPECT_TRUE(holds(text_for({array_view(name, one, {1})}), "cannot be an array's name in a .npz file"));
  EXPECT_TRUE(holds(text_for({array_view("\xFF", one, {1})}), "cannot be added"));
  const std::vector<std::byte> bytes(4);
  EXPECT_TRUE(holds(text_for({ArrayView{"x", DType::bf16, {2}, bytes}}), "array 'x' is BF16"));
  EXPECT_TRUE(holds(error_text([&] { write_npz(folder / "no/a.npz", std::vector{array_view("x", one, {1})}); }),
                    "no/a.npz: cannot be written: No such file"));
  EXPECT_EQ(folder.entry_count(), 0U);
}

TEST(Npz, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  folder.file("a.npz", "old");
  const std::vector<float> numbers(10000);
  const std::string text = error_text([&] {
    const testing::FileSizeLimit limit(8192);
    write_npz(folder / "a.npz", std::vector{array_view("x", numbers, {10000})});
  });
  EXPECT_TRUE(holds(text, "a.npz: cannot be written: "));
  EXPECT_TRUE(holds(text, "File too large"));
  EXPECT_EQ(bytes_of(folder / "a.npz"), "old");
  EXPECT_EQ(folder.entry_count(), 1U);
}

TEST(Npz, ASmallFileMayNotFillTheMemory) {
  const TemporaryFolder folder;
  const std::filesystem::path path = deflated(folder, {{"x.npy", npy_of(std::vector<float>(1 << 20))}});
  ASSERT_LT(std::filesystem::file_size(path), 10000U);
  EXPECT_TRUE(holds(text_of_reading(path, (4 << 20) - 10000), "deflated.npz: holds more than the "));
  EXPECT_EQ(every_array(path, (4 << 20) + 1000).size(), 1U);
}

TEST(Npz, ALieAboutTheSizeIsRefused) {
  const TemporaryFolder folder;
  const std::string bytes = bytes_of(deflated(folder, {{"x.npy", npy_of(std::vector<float>(1000))}}));
  const std::size_t central = bytes.find("PK\1\2");
  ASSERT_NE(central, std::string::npos);
  for (const std::uint32_t size : {0U, 1U, 100U, 4063U, 5000U, 0x3FFFFFFFU, 0xFFFFFFF0U}) {
    std::string changed = bytes;
    changed.replace(central + 24, 4, little_endian(size, 4));
    changed.replace(22, 4, little_endian(size, 4));  // the same in front of the data
    text_of_reading(folder.file("lie.npz", changed));
  }
}

TEST(Npz, ADamagedFileIsRefused) {
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1, 2, 3};
  write_npz(folder / "a.npz", std::vector{array_view("x", numbers, {3})});
  const std::string bytes = bytes_of(folder / "a.npz");
  std::string changed = bytes;
  changed[bytes.find("PK\1\2") - 1] ^= 1;  // the last byte of the numbers
  EXPECT_TRUE(holds(text_of_reading(folder.file("changed.npz", changed)), "array 'x': cannot be unpacked: CRC error"));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_TRUE(holds(text_of_reading(folder.file("part.npz", bytes.substr(0, size))), "part.npz: ")) << size;
}

TEST(Npz, WhatIsNotAnArchiveOfArraysIsRefused) {
  const TemporaryFolder folder;
  EXPECT_TRUE(holds(text_of_reading(folder / "missing.npz"), "missing.npz: cannot be read"));
  EXPECT_TRUE(holds(text_of_reading(folder.path()), "is not a regular file"));
  EXPECT_TRUE(holds(text_of_reading(folder.file("text.npz", "text")), "text.npz: cannot be read as a zip archive"));
  EXPECT_TRUE(holds(text_of_reading(deflated(folder, {{"x.npy", "text"}})), "array 'x': does not begin like"));
  EXPECT_TRUE(holds(text_of_reading(folder.file("empty.npz", "PK\5\6" + std::string(18, '\0'))), "has no arrays"));
}

TEST(Npz, WhatIsNotAskedForIsNotLookedAt) {
  const TemporaryFolder folder;
  const std::string one = npy_of({1});
  const auto npy = [](const std::string& descr) {
    return forged_npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,)}", "12345678");
  };
  const std::vector<std::pair<std::string, std::string>> extras = {{"objects.npy", npy("'|O'")},
                                                                   {"text.npy", npy("'<U2'")},
                                                                   {"structure.npy", npy("[('a', '<f8')]")},
                                                                   {"complex.npy", npy("'<c8'")},
                                                                   {"date.npy", npy("'<M8[s]'")},
                                                                   {"later.npy", npy("'<z99'")},
                                                                   {"short.npy", one.substr(0, 9)},
                                                                   {"README", "not an array"},
                                                                   {"__MACOSX/._x.npy", "not an array"},
                                                                   {"empty.npy", ""},
                                                                   {"large.npy", std::string(1 << 20, 'x')}};
  for (const auto& extra : extras) {
    for (const bool first : {true, false}) {
      std::vector<std::pair<std::string, std::string>> entries = {{"x.npy", one}};
      entries.insert(first ? entries.begin() : entries.end(), extra);
      NpzFile file(deflated(folder, entries), 10000);
      EXPECT_TRUE(file.contains("x"));
      EXPECT_EQ(doubles(file.read("x")), std::vector<double>{1}) << extra.first;
      EXPECT_EQ(doubles(file.read("x")), std::vector<double>{1}) << "a second time";
    }
  }
  NpzFile file(deflated(folder, extras), 10000);
  const auto problem_of = [&](const std::string& name) { return error_text([&] { file.read(name); }); };
  EXPECT_TRUE(holds(problem_of("objects"), "array 'objects': holds Python objects"));
  EXPECT_TRUE(holds(problem_of("text"), "array 'text': holds numbers of the type '<U2'"));
  EXPECT_TRUE(holds(problem_of("complex"), "array 'complex': holds numbers of the type '<c8'"));
  EXPECT_TRUE(holds(problem_of("later"), "array 'later': holds numbers of the type '<z99'"));
  EXPECT_TRUE(holds(problem_of("large"), "holds more than the "));
  EXPECT_TRUE(holds(problem_of("README"), "has no array 'README'"));
  EXPECT_TRUE(holds(problem_of("objetcs"), "has no array 'objetcs'; did you mean 'objects'?"));
}

TEST(Npz, TheLimitIsOfAllThatIsRead) {
  const TemporaryFolder folder;
  const std::string large = npy_of(std::vector<float>(1 << 18));
  NpzFile file(deflated(folder, {{"x.npy", large}, {"y.npy", large}}), (1 << 20) + 10000);
  EXPECT_EQ(file.read("x").shape, Shape{1 << 18});
  EXPECT_TRUE(holds(error_text([&] { file.read("y"); }), "holds more than the "));
}

TEST(Npz, TwoArraysOfOneNameAreRefused) {
  const TemporaryFolder folder;
  const std::string npy = npy_of({1});
  std::string bytes = bytes_of(deflated(folder, {{"x.npy", npy}, {"y.npy", npy}}));
  for (std::size_t at = bytes.find("y.npy"); at != std::string::npos; at = bytes.find("y.npy")) bytes[at] = 'x';
  EXPECT_TRUE(holds(text_of_reading(folder.file("twice.npz", bytes)), "two arrays are called 'x'"));
  bytes = bytes_of(deflated(folder, {{"x.npy", npy}, {"y.npy", npy}, {"z.npy", npy}}));
  for (std::size_t at = bytes.find("y.npy"); at != std::string::npos; at = bytes.find("y.npy")) bytes[at] = 'x';
  EXPECT_EQ(doubles(NpzFile(folder.file("twice.npz", bytes)).read("z")), std::vector<double>{1});
}

}  // namespace
}  // namespace stratoscope
