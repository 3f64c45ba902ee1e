// What is at which address.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "apps/server/answer.h"
#include "apps/server/fields.h"
#include "apps/server/http/http_server.h"
#include "apps/server/jobs.h"
#include "apps/server/shelf.h"
#include "apps/server/store.h"

namespace stratoscope::server {

// The store, opened when it is first needed and tried again while it cannot be.
class StoreDoor {
 public:
  explicit StoreDoor(std::filesystem::path file) : file_(std::move(file)) {}
  Store& open();

 private:
  std::filesystem::path file_;
  std::mutex mutex_;
  std::optional<Store> store_;
};

// Everything that the routes share. Lives longer than the HttpServer.
struct Workshop {
  Shelf& shelf;
  JobQueue& queue;
  StoreDoor& store;
  HttpServer& server;
};

// A document that no cache keeps.
Response document(const Json& json, int status = 200);

void add_view_routes(HttpServer& server, Workshop& workshop);
void add_together_route(HttpServer& server, Workshop& workshop);
void add_model_routes(HttpServer& server, Workshop& workshop);
void add_experiment_routes(HttpServer& server, Workshop& workshop);
void add_page_routes(HttpServer& server);

// A tab names itself and what its request is for, so that a newer one replaces it; others are clients of their own.
std::string client_of(const Request& request);
// Throws Refusal for one that is too long.
std::string checked_slot(std::string slot);

// How a job is to tell what it finds.
struct Telling {
  bool streams = false;  // events before its result
  std::shared_ptr<Bell> bell = {};
};
// Submits what `path` shows as a job. Throws Refusal (404) where no view is there, and for what is wrong with the
// fields.
std::shared_ptr<Job> begin_view(Workshop& workshop, const std::string& path, Fields fields, const std::string& client,
                                const std::string& slot, const Telling& telling);

// The job's answer, as the request wants it: text/event-stream where it accepts that, else ?format=json (the default),
// binary (safetensors) or npz. Waits for the job; cancels it when the client goes.
Response answer_with(Workshop& workshop, const std::shared_ptr<Job>& job, const Request& request);
bool wants_stream(const Request& request);

}  // namespace stratoscope::server
