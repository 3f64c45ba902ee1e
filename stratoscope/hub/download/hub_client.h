// What the hub is asked: which files a revision has, what each one is, and its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/hub/download/answers.h"
#include "stratoscope/hub/download/http.h"
#include "stratoscope/hub/download/retry.h"
#include "stratoscope/hub/download/settings.h"

namespace stratoscope {

struct HubRevision {
  std::string repository;  // the hub's own name for it: "openai-community/gpt2" for "gpt2"
  std::string commit;
  // Sizes by the files' names on the hub, which are not to be used as paths. Mirrors may leave sizes out.
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

// For one thread; keeps its connection. Where nothing else is said, requests are tried again when it may help. Throws
// Error, Interrupted.
class HubClient {
 public:
  explicit HubClient(const HubClientOptions& options);

  // `repository` and `revision` are such as is_repository_name and is_revision allow; so is what comes back.
  HubRevision revision(const std::string& repository, const std::string& revision);
  HubFile file(const std::string& repository, const std::string& commit, const std::string& name);
  // The file's bytes from `first_byte` on into `sink`. One try: throws PassingFault. The answer is 206, or 200 from a
  // server that begins at the first byte all the same, or 416 without a call of the sink.
  HttpResponse read(const std::string& repository, const std::string& commit, const std::string& name,
                    std::uint64_t first_byte, BodySink& sink);

 private:
  struct Answer {
    HttpResponse response;
    std::string address;
    // From whichever answer on the way had them first.
    std::string commit, linked_etag;
    std::optional<std::uint64_t> linked_size;
  };
  Answer follow(HttpRequest request, const Asked& asked, BodySink* sink);
  Answer ask(const HttpRequest& request, const Asked& asked);
  bool is_hub(const std::string& address) const;
  std::string file_address(const std::string& repository, const std::string& commit, const std::string& name) const;

  HubClientOptions options_;
  HttpConnection connection_;
  std::string origin_;
};

}  // namespace stratoscope
