// .npz: each array that is accepted reads the same once written again, and all that is read is bounded. A mutation that
// only invalidates a stored entry's checksum would always be refused, so checksums are corrected.
#include <array>
#include <cstring>

#include "stratoscope/files/npz.h"
#include "tests/fuzz/arrays.h"

namespace stratoscope {

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

constexpr std::size_t kExpansion = std::size_t{1} << 20;
constexpr std::string_view kLocalHeader = "PK\x03\x04", kCentralHeader = "PK\x01\x02";

std::uint32_t crc32(const std::uint8_t* data, std::size_t size) {
  std::uint32_t crc = ~0U;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xEDB88320U & (0U - (crc & 1)));
  }
  return ~crc;
}

template <class Number>
Number number_at(const std::uint8_t* data, std::size_t at) {
  Number number = 0;
  std::memcpy(&number, data + at, sizeof number);
  return number;
}

// Writes the right checksum into the headers of every stored entry.
void mend_checksums(std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLocalSize = 30, kCentralSize = 46;
  const std::string_view text = fuzz::as_text(data, size);
  for (std::size_t at = 0; (at = text.find(kLocalHeader, at)) != std::string_view::npos; ++at) {
    if (size - at < kLocalSize) return;
    const std::size_t begin =
        at + kLocalSize + number_at<std::uint16_t>(data, at + 26) + number_at<std::uint16_t>(data, at + 28);
    const std::size_t length = number_at<std::uint32_t>(data, at + 18);
    if (number_at<std::uint16_t>(data, at + 8) != 0 || begin > size || length > size - begin) continue;
    const std::uint32_t crc = crc32(data + begin, length);
    std::memcpy(data + at + 14, &crc, sizeof crc);
    for (std::size_t c = 0; (c = text.find(kCentralHeader, c)) != std::string_view::npos; ++c) {
      if (size - c < kCentralSize) break;
      if (number_at<std::uint32_t>(data, c + 42) == at) std::memcpy(data + c + 16, &crc, sizeof crc);
    }
  }
}

bool can_be_written(const std::string& name) {
  return !name.empty() &&
         std::ranges::none_of(name, [](char c) { return c == '/' || c == 0x7F || (c >= 0 && c < 0x20); });
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 4 != 0) mend_checksums(data, size);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::InputFile file(fuzz::as_text(data, size));
  auto archive = fuzz::accepted([&] { return NpzFile(file.path(), kExpansion); });
  if (!archive) return 0;
  std::map<std::string, StoredArray> arrays;
  for (const std::string& name : archive->names())
    if (auto array = fuzz::accepted([&] { return archive->read(name); })) arrays.emplace(name, *std::move(array));
  std::size_t total = 0;
  std::vector<ArrayView> views;
  for (const auto& [name, array] : arrays) {
    fuzz::require_usable(array.dtype, array.shape, array.bytes);
    total += array.bytes.size();
    if (can_be_written(name)) views.push_back({name, array.dtype, array.shape, array.bytes});
  }
  fuzz::require(total <= size + kExpansion, "an archive unpacks to no more than allowed");
  if (views.empty()) return 0;
  const auto again = fuzz::folder() / "again.npz";
  write_npz(again, views);
  NpzFile reread(again);
  fuzz::require(reread.names().size() == views.size(), "as many arrays are read as were written");
  for (const ArrayView& view : views) fuzz::require_same(reread.read(view.name), view);
  return 0;
}

}  // namespace stratoscope
