// The routes of the server: the handler of each path.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apps/server/fields.h"
#include "apps/server/figure_file.h"
#include "apps/server/http/http_server.h"
#include "apps/server/job_result.h"
#include "apps/server/jobs.h"
#include "apps/server/open_models.h"
#include "apps/server/openapi.h"
#include "apps/server/store.h"
#include "stratoscope/experiments/experiment.h"

namespace stratoscope::server {

// The store, opened at its first use; a failed attempt is repeated at the next use.
class LazyStore {
 public:
  explicit LazyStore(std::filesystem::path file) : file_(std::move(file)) {}
  Store& open();

 private:
  std::filesystem::path file_;
  std::mutex mutex_;
  std::optional<Store> store_;
};

// The state that the routes share. It must outlive the HttpServer.
struct ServerContext {
  OpenModels& models;
  JobQueue& queue;
  LazyStore& store;
  HttpServer& server;
  const std::vector<Experiment>& experiments;  // each a route
};

// A JSON response that must not be cached.
Response json_response(const Json& json, int status = 200);

void add_experiment_routes(HttpServer& server, ServerContext& context);
void add_page_routes(HttpServer& server, ServerContext& context);

// A route with one path, and what the OpenAPI document says of it.
struct Route {
  const char* method;
  const char* openapi_method;
  const char* path;
  RouteDescription description;
  Response (*answer)(ServerContext& context, const Request& request);
};
std::vector<Route> batch_routes();
std::vector<Route> figure_routes();
std::vector<Route> model_routes();
std::vector<Route> saved_routes();
// All of these.
std::vector<Route> fixed_routes();
void add_fixed_routes(HttpServer& server, ServerContext& context);

// The OpenAPI document of the fixed routes and of those of the experiments.
Json openapi_document(const std::vector<Experiment>& experiments);

// The client's name: of the header X-Stratoscope-Client, which each tab of the page sets, else its address. Throws
// HttpError (400) for a name over the limit.
std::string client_id(const Request& request);
// Throws HttpError (400) for a slot's name over the limit.
std::string checked_slot(std::string slot);

// How a job is submitted and how it answers.
struct JobOptions {
  std::string client, slot;
  bool streams = false;    // keeps events before its result
  bool as_arrays = false;  // the larger parts of the document are arrays
  FigureFormat figure = {};
  std::shared_ptr<WakeUp> wake_up = {};
};
// Of the request's headers and query.
JobOptions job_options(const Request& request);
// Submits the experiment at `path` as a job. Throws HttpError: 404 for an unknown path, 400 for invalid fields.
std::shared_ptr<Job> submit(ServerContext& context, const std::string& path, nlohmann::json body,
                            const JobOptions& options);

// The job's result as a response: text/event-stream where the request accepts that, else ?format=json (the default),
// binary (safetensors) or npz. Waits for the job; cancels it when the client disconnects.
Response respond(ServerContext& context, const std::shared_ptr<Job>& job, const Request& request);
bool accepts_event_stream(const Request& request);

}  // namespace stratoscope::server
