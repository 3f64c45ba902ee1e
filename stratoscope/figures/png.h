// Small pictures of few colours, written as PNG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "stratoscope/figures/theme.h"

namespace stratoscope {

// colors[pixels[row * width + column]] is the colour of a pixel; colors[0] is transparent. At most 256 colours.
struct IndexedPicture {
  std::size_t width = 0, height = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<Rgb> colors;
};

// The bytes of a PNG file. Throws Error where memory is lacking.
std::string png(const IndexedPicture& picture);

// "data:image/png;base64,…", which holds the whole file.
std::string png_uri(const std::string& file);

}  // namespace stratoscope
