#include "apps/server/serve.h"

#include <chrono>
#include <thread>

#include "apps/server/access_policy.h"
#include "apps/server/http/address.h"
#include "apps/server/routes.h"
#include "stratoscope/base/error.h"

namespace stratoscope::server {
namespace {

std::string required_token(const ServeOptions& options, bool loopback_only) {
  const std::string token = options.token ? *options.token : loopback_only ? "" : new_token();
  check_token(token);
  if (token.empty() && !loopback_only)
    throw Error("serve", "the token is empty, and other machines can reach " + options.host,
                "choose a token, or omit --token to generate one");
  return token;
}

AccessPolicy policy_for(const ServeOptions& options, const sockaddr_storage& address) {
  AccessPolicy policy;
  policy.token = required_token(options, is_loopback(address));
  for (const std::string& host : options.allowed_hosts) check_host(host);
  policy.proxies = options.allowed_hosts;
  policy.names = {options.host};
  if (!is_loopback(address))
    for (std::string& name : names_of_this_machine()) policy.names.push_back(std::move(name));
  return policy;
}

// URLs of the page.
std::vector<std::string> page_addresses(const sockaddr_storage& address, const std::string& token) {
  std::vector<std::string> hosts;
  if (is_wildcard(address)) {
    hosts = {address.ss_family == AF_INET ? "127.0.0.1" : "[::1]"};
    for (std::string& other : addresses_of_this_machine())
      if (address.ss_family == AF_INET6 || !other.starts_with('[')) hosts.push_back(std::move(other));
  } else {
    hosts = {as_text(address)};
  }
  std::vector<std::string> addresses;
  for (const std::string& host : hosts) {
    addresses.push_back("http://" + host + ":" + std::to_string(port_of(address)) + "/");
    if (!token.empty()) addresses.back() += "#token=" + percent_encoded(token);  // a fragment is not sent to the server
  }
  return addresses;
}

}  // namespace

void serve(const ServeOptions& options, const std::function<void(const std::vector<std::string>& addresses)>& started,
           const std::function<bool()>& should_stop) {
  const Listener listener(options.host, options.port);
  AccessPolicy policy = policy_for(options, listener.address());
  const std::string token = policy.token;

  OpenModels models(options.model, options.folders, options.threads);
  LazyStore store(options.store_file);
  JobQueue queue;
  HttpServer server(std::move(policy));
  ServerContext context{models, queue, store, server, all_experiments()};
  add_fixed_routes(server, context);
  add_experiment_routes(server, context);
  add_page_routes(server, context);

  started(page_addresses(listener.address(), token));
  std::thread watcher([&] {
    while (!should_stop()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    queue.stop();
    server.stop();
  });
  server.serve(listener);
  watcher.join();
}

}  // namespace stratoscope::server
