#include "stratoscope/base/mistaken_file.h"

#include <algorithm>
#include <cctype>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

// Without a byte-order mark and spaces, in lower case.
std::string beginning_of(std::string_view bytes) {
  constexpr std::size_t kLookedAt = 1024;
  bytes = bytes.substr(0, kLookedAt);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
  std::string small(bytes);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small;
}

}  // namespace

void refuse_mistaken_file(std::string_view bytes, const std::string& where, const std::string& file) {
  if (bytes.starts_with("version https://git-lfs.github.com/spec/"))
    throw Error(where, file + ": is a git-lfs pointer, in place of a file that was not downloaded",
                "'git lfs pull' in its folder fetches it");
  const std::string beginning = beginning_of(bytes);
  for (const char* tag : {"<!doctype html", "<html", "<head>"})
    if (beginning.starts_with(tag))
      throw Error(where, file + ": is a web page that was saved in the file's place", "download the file again");
}

void refuse_mistaken_text(std::string_view bytes, const std::string& where, const std::string& file) {
  refuse_mistaken_file(bytes, where, file);
  if (bytes.starts_with("\x1F\x8B")) throw Error(where, file + ": is compressed by gzip", "gunzip or zcat it first");
  if (bytes.starts_with("\x28\xB5\x2F\xFD")) throw Error(where, file + ": is compressed by zstd", "zstdcat it first");
  if (bytes.starts_with("\xFD\x37zXZ")) throw Error(where, file + ": is compressed by xz", "xzcat it first");
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
    throw Error(where, file + ": is UTF-16", "iconv -f UTF-16 -t UTF-8 converts it");
}

}  // namespace stratoscope
