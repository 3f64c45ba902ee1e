// Runs the server of the explorer.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace stratoscope::server {

struct ServeOptions {
  std::string model;
  std::vector<std::filesystem::path> folders;  // of further models
  std::string host = "127.0.0.1";
  int port = 8080;                         // 0: any free port
  std::optional<std::string> token;        // required where other machines can connect; generated when absent
  std::vector<std::string> allowed_hosts;  // "name" or "name:port", of tunnels and reverse proxies
  std::filesystem::path store_file;        // the database of saved experiments
  int threads = 0;
};

// Serves until `should_stop` returns true, then finishes the responses in progress. `started` gets the addresses of the
// page, the one for this machine first. Throws Error for an address that cannot be bound, for a token that cannot stand
// in a header, and for an empty token where other machines can connect.
void serve(const ServeOptions& options, const std::function<void(const std::vector<std::string>& addresses)>& started,
           const std::function<bool()>& should_stop);

// The OpenAPI document that the server has at /openapi.json, indented by one.
std::string openapi_json();

}  // namespace stratoscope::server
