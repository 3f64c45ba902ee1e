#include "apps/server/http/message.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace stratoscope::server {
namespace {

bool same_name(const std::string& a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(begin(), end(), [name](const auto& field) { return same_name(field.first, name); }));
}

std::string Headers::get(std::string_view name) const {
  const auto found = std::find_if(begin(), end(), [name](const auto& field) { return same_name(field.first, name); });
  return found == end() ? std::string() : found->second;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  std::string_view query = target;
  query.remove_prefix(std::min(query.find('?'), query.size()));
  while (!query.empty()) {
    query.remove_prefix(1);  // '?' or '&'
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size());
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decoded(pair.substr(0, equals), true) == name)
      return percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
  }
  return std::nullopt;
}

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  constexpr std::size_t kDigits = 2;
  constexpr int kHexadecimal = 16;
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char code = 0;
    if (text[i] == '%' && i + kDigits < text.size()) {
      const char* const digits = text.data() + i + 1;
      if (std::from_chars(digits, digits + kDigits, code, kHexadecimal).ptr == digits + kDigits) {
        decoded += static_cast<char>(code);
        i += kDigits;
        continue;
      }
    }
    decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
  }
  return decoded;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHexadecimal = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain)
      encoded += c;
    else
      encoded.append(1, '%').append(1, kHexadecimal[byte >> 4]).append(1, kHexadecimal[byte & 15]);
  }
  return encoded;
}

}  // namespace stratoscope::server
