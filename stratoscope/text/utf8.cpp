#include "stratoscope/text/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

struct Sequence {
  std::size_t length;  // bytes of the code point, or of its longest valid part (at least 1)
  bool valid;
};

// The second byte determines overlong forms (E0, F0), surrogates (ED) and code points beyond U+10FFFF (F4).
Sequence read_sequence(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const std::size_t expected = utf8_length(lead);
  const std::size_t present = std::min(expected, text.size() - at);
  for (std::size_t i = 1; i < present; ++i) {
    unsigned char low = 0x80, high = 0xBF;
    if (i == 1 && lead == 0xE0) low = 0xA0;
    if (i == 1 && lead == 0xED) high = 0x9F;
    if (i == 1 && lead == 0xF0) low = 0x90;
    if (i == 1 && lead == 0xF4) high = 0x8F;
    if (byte(i) < low || byte(i) > high) return {i, false};
  }
  return {present, present == expected};
}

// The first byte from `at` on that is not ASCII; eight at a time, because most text is ASCII.
std::size_t skip_ascii(std::string_view text, std::size_t at) {
  for (std::uint64_t eight = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    if ((eight & 0x8080808080808080U) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t at = skip_ascii(text, 0);
  while (at < text.size()) {
    const Sequence sequence = read_sequence(text, at);
    if (!sequence.valid) return at;
    at += sequence.length;
    if (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) at = skip_ascii(text, at);
  }
  return at;
}

void validate_utf8(std::string_view text, const std::string& where) {
  const std::size_t at = find_invalid_utf8(text);
  if (at == text.size()) return;
  constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(text[at]);
  throw Error(where,
              "is not UTF-8: byte offset " + std::to_string(at) + " (0x" + kHex[byte >> 4] + kHex[byte & 15] +
                  ") does not begin a character",
              "convert the text to UTF-8");
}

char32_t decode_code_point(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
  const auto tail = [&](std::size_t i) { return byte(i) & 0x3F; };
  switch (utf8_length(static_cast<unsigned char>(text[at]))) {
    case 1: return byte(0);
    case 2: return (byte(0) & 0x1F) << 6 | tail(1);
    case 3: return (byte(0) & 0x0F) << 12 | tail(1) << 6 | tail(2);
    default: return (byte(0) & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3);
  }
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
    return;
  }
  if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      put(0xE0 | code_point >> 12);
    } else {
      put(0xF0 | code_point >> 18);
      put(0x80 | (code_point >> 12 & 0x3F));
    }
    put(0x80 | (code_point >> 6 & 0x3F));
  }
  put(0x80 | (code_point & 0x3F));
}

std::string sanitize_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const Sequence sequence = read_sequence(bytes, at);
    if (sequence.valid)
      out += bytes.substr(at, sequence.length);
    else
      append_utf8(out, U'\uFFFD');
    at += sequence.length;
  }
  return out;
}

}  // namespace stratoscope
