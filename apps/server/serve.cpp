#include "apps/server/serve.h"

#include <chrono>
#include <thread>

#include "apps/server/guard.h"
#include "apps/server/http/address.h"
#include "apps/server/routes.h"
#include "stratoscope/base/error.h"

namespace stratoscope::server {
namespace {

std::string required_token(const ServeOptions& options, bool for_this_machine_alone) {
  const std::string token = options.token ? *options.token : for_this_machine_alone ? "" : new_token();
  check_token(token);
  if (token.empty() && !for_this_machine_alone)
    throw Error("serve", "the token is empty, and other machines can reach " + options.host,
                "choose a token, or leave --token out for a new one");
  return token;
}

Guard guard_for(const ServeOptions& options, const sockaddr_storage& address) {
  Guard guard;
  guard.token = required_token(options, is_loopback(address));
  for (const std::string& host : options.allowed_hosts) check_host(host);
  guard.proxies = options.allowed_hosts;
  guard.names = {options.host};
  if (!is_loopback(address))
    for (std::string& name : names_of_this_machine()) guard.names.push_back(std::move(name));
  return guard;
}

// Each of them opens the page.
std::vector<std::string> page_addresses(const sockaddr_storage& address, const std::string& token) {
  std::vector<std::string> hosts;
  if (is_every_address(address)) {
    hosts = {address.ss_family == AF_INET ? "127.0.0.1" : "[::1]"};
    for (std::string& other : addresses_of_this_machine())
      if (address.ss_family == AF_INET6 || !other.starts_with('[')) hosts.push_back(std::move(other));
  } else {
    hosts = {as_text(address)};
  }
  std::vector<std::string> addresses;
  for (const std::string& host : hosts) {
    addresses.push_back("http://" + host + ":" + std::to_string(port_of(address)) + "/");
    if (!token.empty()) addresses.back() += "#token=" + percent_encoded(token);  // stays in the browser
  }
  return addresses;
}

}  // namespace

void serve(const ServeOptions& options, const std::function<void(const std::vector<std::string>& addresses)>& started,
           const std::function<bool()>& should_stop) {
  const Listener listener(options.host, options.port);
  Guard guard = guard_for(options, listener.address());
  const std::string token = guard.token;

  Shelf shelf(options.model, options.folders, options.threads);
  StoreDoor store(options.store_file);
  JobQueue queue;
  HttpServer server(std::move(guard));
  Workshop workshop{shelf, queue, store, server};
  add_view_routes(server, workshop);
  add_together_route(server, workshop);
  add_model_routes(server, workshop);
  add_experiment_routes(server, workshop);
  add_page_routes(server);

  started(page_addresses(listener.address(), token));
  std::thread watch([&] {
    while (!should_stop()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    queue.stop();
    server.stop();
  });
  server.serve(listener);
  watch.join();
}

}  // namespace stratoscope::server
