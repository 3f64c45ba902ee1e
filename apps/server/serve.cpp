#include "apps/server/serve.h"

#include <chrono>
#include <thread>

#include "apps/server/guard.h"
#include "apps/server/routes.h"

namespace stratoscope::server {
namespace {

std::string address_of(const ServeOptions& options, int port, const std::string& token) {
  const bool six = options.host.find(':') != std::string::npos;
  std::string address = "http://" + (six ? "[" + options.host + "]" : options.host) + ":" + std::to_string(port) + "/";
  // Behind '#' it stays in the browser.
  return token.empty() ? address : address + "#token=" + token;
}

}  // namespace

void serve(const ServeOptions& options, const std::function<void(const std::string& address)>& started,
           const std::function<bool()>& should_stop) {
  Guard guard;
  if (options.token)
    guard.token = *options.token;
  else if (!is_loopback(options.host))
    guard.token = new_token();
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
  const int port = server.bind(options.host, options.port);

  std::thread watch([&] {
    while (!server.is_running() && !should_stop()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    started(address_of(options, port, token));
    while (!should_stop()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    queue.stop();
    server.stop_serving();
  });
  server.serve();
  watch.join();
}

}  // namespace stratoscope::server
