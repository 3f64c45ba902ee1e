// The explorer's server, from its start to its end.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace stratoscope::server {

struct ServeOptions {
  std::string model;
  std::vector<std::filesystem::path> folders;  // further models
  std::string host = "127.0.0.1";
  int port = 8080;                         // 0: any that is free
  std::optional<std::string> token;        // required where others can reach the server; made when absent
  std::vector<std::string> allowed_hosts;  // "name" or "name:port" that requests may use: of tunnels and proxies
  std::filesystem::path store_file;        // of saved experiments
  int threads = 0;
};

// Serves until `should_stop` says so; finishes what is under way. `started` is told the page's addresses, that for this
// machine first. Throws Error where the address cannot be had, for a token that no header can carry, and for an empty
// one where other machines can reach the server.
void serve(const ServeOptions& options, const std::function<void(const std::vector<std::string>& addresses)>& started,
           const std::function<bool()>& should_stop);

}  // namespace stratoscope::server
