#include "stratoscope/hub/download/address.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

class Address {
 public:
  Address() : handle_(curl_url(), curl_url_cleanup) {
    if (handle_ == nullptr) throw std::bad_alloc();
  }
  // A relative address is resolved against the current one.
  bool set(const std::string& text, unsigned flags = 0) {
    return curl_url_set(handle_.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER | flags) == CURLUE_OK;
  }
  std::string part(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (curl_url_get(handle_.get(), part, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
    return text;
  }
  bool is_web() const {
    const std::string scheme = part(CURLUPART_SCHEME);
    return (scheme == "http" || scheme == "https") && !part(CURLUPART_HOST).empty();
  }

 private:
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle_;
};

Address parsed(const std::string& text) {
  Address address;
  if (!address.set(text) || !address.is_web())
    throw Error("pull", in_quotes(text) + " is not an http or https address");
  return address;
}

std::string in_lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace

bool is_web_address(const std::string& address) {
  Address parts;
  return parts.set(address) && parts.is_web();
}

std::string origin_of(const std::string& address) {
  const Address parts = parsed(address);
  return parts.part(CURLUPART_SCHEME) + "://" + in_lower_case(parts.part(CURLUPART_HOST)) + ":" +
         parts.part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string host_of(const std::string& address) {
  const Address parts = parsed(address);
  const std::string port = parts.part(CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  return parts.part(CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

bool is_private_line(const std::string& address) {
  const Address parts = parsed(address);
  const std::string host = in_lower_case(parts.part(CURLUPART_HOST));
  const bool is_number = host.find_first_not_of("0123456789.") == std::string::npos;
  return parts.part(CURLUPART_SCHEME) == "https" || host == "localhost" || host == "[::1]" ||
         (is_number && host.starts_with("127."));
}

std::string redirect_target(const std::string& from, const std::string& location) {
  Address address = parsed(from);
  const bool was_encrypted = address.part(CURLUPART_SCHEME) == "https", was_private = is_private_line(from);
  // Servers send spaces and letters of any language as they are, and browsers take them.
  if (!address.set(location, CURLU_URLENCODE) || !address.is_web())
    throw Error("pull",
                host_of(from) + " redirects to " + in_quotes(location) + ", which is not an http or https address");
  std::string target = address.part(CURLUPART_URL);
  const bool is_encrypted = address.part(CURLUPART_SCHEME) == "https";
  if (!is_encrypted && (was_encrypted || (was_private && !is_private_line(target))))
    throw Error("pull", host_of(from) + " redirects to " + in_quotes(target) + ", which is not encrypted");
  return target;
}

std::string escaped(std::string_view path, bool slashes) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr const char* kHex = "0123456789ABCDEF";
  std::string text;
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos || (slashes && c == '/')) {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return text;
}

}  // namespace stratoscope
