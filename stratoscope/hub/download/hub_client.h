// Requests to the hub: the files of a revision, their properties, and their bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/hub/download/http.h"
#include "stratoscope/hub/download/hub_errors.h"
#include "stratoscope/hub/download/retry.h"
#include "stratoscope/hub/download/settings.h"

namespace stratoscope {

struct HubRevision {
  std::string repository;  // the hub's name: "openai-community/gpt2" for "gpt2"
  std::string commit;
  // Sizes by the files' names on the hub, which must not be used as paths. Mirrors may omit sizes.
  std::map<std::string, std::optional<std::uint64_t>> files;
};

struct HubFile {
  std::string etag;  // SHA-256, or git's SHA-1 of a small file
  std::uint64_t size = 0;
};

struct HubClientOptions {
  HubSettings settings;
  HttpOptions http;
  RetryOptions retry;
  std::function<bool()> cancelled;
  Wait wait;
};

// For one thread; reuses its connection. Temporary failures are retried unless stated otherwise. Throws Error,
// Interrupted.
class HubClient {
 public:
  explicit HubClient(const HubClientOptions& options);

  // `repository` and `revision` must pass is_repository_name and is_revision; the result does too.
  HubRevision revision(const std::string& repository, const std::string& revision);
  HubFile file(const std::string& repository, const std::string& commit, const std::string& name);
  // Writes the file's bytes from `first_byte` on into `sink`. One attempt: throws PassingFault. The status is 206, or
  // 200 from a server that ignores the range, or 416 without a call of the sink.
  HttpResponse read(const std::string& repository, const std::string& commit, const std::string& name,
                    std::uint64_t first_byte, BodySink& sink);

 private:
  struct Response {
    HttpResponse response;
    std::string address;
    // From the first response of the redirects that has them.
    std::string commit, linked_etag;
    std::optional<std::uint64_t> linked_size;
  };
  Response follow(HttpRequest request, const HubPath& path, BodySink* sink);
  Response send(const HttpRequest& request, const HubPath& path);
  bool is_hub(const std::string& address) const;
  std::string file_address(const std::string& repository, const std::string& commit, const std::string& name) const;

  HubClientOptions options_;
  HttpConnection connection_;
  std::string origin_;
};

}  // namespace stratoscope
