#include "stratoscope/hub/download/settings.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/download/address.h"
#include "stratoscope/hub/expanded_path.h"

namespace stratoscope {
namespace {

std::string environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

std::string first_of(std::initializer_list<const char*> variables) {
  for (const char* variable : variables)
    if (std::string value = environment(variable); !value.empty()) return value;
  return {};
}

// As in huggingface_hub: the first variable that is set decides.
bool is_on(std::initializer_list<const char*> variables) {
  std::string value = first_of(variables);
  for (char& c : value)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

void read_token(HubSettings& settings) {
  for (const char* variable : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})
    if (settings.token.empty() && !trimmed(environment(variable)).empty()) {
      settings.token = trimmed(environment(variable));
      settings.token_source = std::string("$") + variable;
    }
  if (settings.token.empty() && !is_on({"HF_HUB_DISABLE_IMPLICIT_TOKEN"})) {
    const std::string path = environment("HF_TOKEN_PATH");
    const std::filesystem::path home = hugging_face_home();
    const auto file = path.empty() && !home.empty() ? home / "token" : expanded_path(path);
    std::error_code ignored;
    constexpr std::size_t kLongest = 4096;
    if (std::filesystem::is_regular_file(file, ignored)) settings.token = trimmed(read_text_file(file, kLongest));
    settings.token_source = file.string();
  }
  // It is written into a header unchanged.
  if (std::any_of(settings.token.begin(), settings.token.end(), [](char c) { return c <= ' ' || c > '~'; }))
    throw Error("pull", "the token of " + settings.token_source + " holds a character that no token has",
                "make a new one at " + settings.endpoint + "/settings/tokens");
}

}  // namespace

HubSettings hub_settings() {
  HubSettings settings;
  if (std::string endpoint = trimmed(environment("HF_ENDPOINT")); !endpoint.empty()) {
    while (endpoint.ends_with('/')) endpoint.pop_back();
    if (!is_web_address(endpoint))
      throw Error("pull", "$HF_ENDPOINT is " + in_quotes(endpoint) + ", which is not an http or https address",
                  "unset it for huggingface.co");
    settings.endpoint = endpoint;
  }
  read_token(settings);
  settings.offline = is_on({"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"});
  settings.certificates = first_of({"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"});
  settings.certificates_folder = environment("SSL_CERT_DIR");
  settings.cache = hugging_face_cache();
  if (settings.cache.empty())
    throw Error("pull", "there is no folder for the Hugging Face cache, because $HOME is not set",
                "name one in $HF_HOME");
  return settings;
}

}  // namespace stratoscope
