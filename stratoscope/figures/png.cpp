#include "stratoscope/figures/png.h"

#include <zlib.h>

#include <algorithm>
#include <string_view>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

std::string big_endian(std::size_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

// Its length, its four letters, its data, and the checksum of both.
std::string png_chunk(std::string_view name, std::string_view data) {
  const std::string checked = std::string(name) + std::string(data);
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size());
  return big_endian(data.size()) + checked + big_endian(sum);
}

std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string result(size, '\0');
  const int status = compress2(reinterpret_cast<Bytef*>(result.data()), &size,
                               reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), Z_BEST_COMPRESSION);
  if (status != Z_OK) throw Error("figure", "a picture of cells could not be compressed");
  result.resize(size);
  return result;
}

}  // namespace

std::string png(const IndexedPicture& picture) {
  std::string rows, colors;
  rows.reserve(picture.height * (picture.width + 1));
  for (std::size_t row = 0; row < picture.height; ++row) {
    rows += '\0';  // no filter: indices of neighbours have no meaningful difference
    const auto begin = picture.pixels.begin() + static_cast<std::ptrdiff_t>(row * picture.width);
    std::for_each_n(begin, picture.width, [&](std::uint8_t pixel) { rows += static_cast<char>(pixel); });
  }
  for (const Rgb color : picture.colors)
    for (const std::uint8_t channel : {color.red, color.green, color.blue}) colors += static_cast<char>(channel);
  using namespace std::string_view_literals;
  // 8 bits per pixel, which are indices; the only method of compression and of filters; not interlaced.
  const std::string header = big_endian(picture.width) + big_endian(picture.height) + std::string("\x08\x03\0\0\0"sv);
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + png_chunk("PLTE", colors) + png_chunk("tRNS", "\0"sv) +
         png_chunk("IDAT", deflated(rows)) + png_chunk("IEND", "");
}

std::string png_uri(const std::string& file) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string uri = "data:image/png;base64,";
  uri.reserve(uri.size() + (file.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < file.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(file.size() - i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? static_cast<std::uint8_t>(file[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) uri += k <= count ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return uri;
}

}  // namespace stratoscope
