// The front end's files, embedded when the program was built.
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
// The description of the HTTP interface.
std::string_view openapi();

}  // namespace stratoscope::server
