// The files of the page, embedded in the program at build time.
#pragma once

#include <span>
#include <string_view>

namespace stratoscope::server {

struct Page {
  std::string_view path;  // "/assets/index-abc.js"
  std::string_view type;
  std::string_view bytes;
};

// Empty in a build without the explorer.
std::span<const Page> pages();

}  // namespace stratoscope::server
