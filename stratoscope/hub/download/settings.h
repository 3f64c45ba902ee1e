// The hub's address and the credentials, from Hugging Face's environment variables.
#pragma once

#include <filesystem>
#include <string>

namespace stratoscope {

struct HubSettings {
  std::string endpoint = "https://huggingface.co";  // without a trailing slash
  std::string token;                                // empty: none
  std::string token_source;                         // "$HF_TOKEN", or the file's path
  bool offline = false;
  std::string certificates;         // a file of trusted authorities; empty: the system's
  std::string certificates_folder;  // the same, as a folder
  std::filesystem::path cache;
};

// $HF_ENDPOINT; $HF_TOKEN, $HUGGING_FACE_HUB_TOKEN, or the file $HF_TOKEN_PATH, $HF_HOME/token (none with
// $HF_HUB_DISABLE_IMPLICIT_TOKEN); $HF_HUB_OFFLINE, $TRANSFORMERS_OFFLINE; $SSL_CERT_FILE, $REQUESTS_CA_BUNDLE,
// $CURL_CA_BUNDLE, $SSL_CERT_DIR. Throws Error for an endpoint that is not an http or https address, and for an invalid
// token.
HubSettings hub_settings();

}  // namespace stratoscope
