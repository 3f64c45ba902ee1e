#include "stratoscope/session/growing_text.h"

#include <algorithm>

#include "stratoscope/base/error.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

// Number of bytes at the end of `bytes` that may be the beginning of an incomplete character.
std::size_t unfinished_character(std::string_view bytes) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
    const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;  // inside a character: continue to its first byte
    return byte >= 0xC0U && utf8_length(byte) > back ? back : 0;
  }
  return 0;
}

// Number of bytes at the end of `text` with which `stop` begins.
std::size_t overlap(std::string_view text, std::string_view stop) {
  for (std::size_t count = std::min(text.size(), stop.size() - 1); count > 0; --count)
    if (text.ends_with(stop.substr(0, count))) return count;
  return 0;
}

}  // namespace

GrowingText::GrowingText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_)
    if (stop.empty()) throw Error("generate", "a stop text is empty", "give at least one character, or leave it out");
}

std::string GrowingText::add(std::string_view bytes) {
  if (stopped_) return {};
  held_ += bytes;
  std::size_t end = std::string::npos;
  for (const std::string& stop : stops_) end = std::min(end, held_.find(stop));
  if (end != std::string::npos) {
    stopped_ = true;
    std::string piece = show(end);
    held_.clear();
    return piece;
  }
  std::size_t held_back = unfinished_character(held_);
  for (const std::string& stop : stops_) held_back = std::max(held_back, overlap(held_, stop));
  return show(held_.size() - held_back);
}

std::string GrowingText::rest() { return show(held_.size()); }

std::string GrowingText::show(std::size_t count) {
  std::string piece = sanitize_utf8(std::string_view{held_}.substr(0, count));
  held_.erase(0, count);
  shown_ += piece;
  return piece;
}

}  // namespace stratoscope
