// A model from the Hugging Face hub into its cache, as `stratoscope pull` does it: what is needed of it, and nothing
// that is there already.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "stratoscope/base/progress.h"
#include "stratoscope/hub/download/http.h"
#include "stratoscope/hub/download/retry.h"
#include "stratoscope/hub/download/settings.h"

namespace stratoscope {

struct PullOptions {
  std::string name;    // "gpt2", "openai-community/gpt2", "gpt2@REVISION"
  bool force = false;  // also a model that this program cannot run
  // Compares what is there with the hub's hashes, too, and not with its sizes alone.
  bool verify = false;
  std::size_t files_at_once = 4;
  HubSettings settings;
  HttpOptions http;
  RetryOptions retry;
  // Bytes that are free for files in a folder.
  std::function<std::uint64_t(const std::filesystem::path&)> free_space;
  Progress* progress = nullptr;
};

// Everything but the name from the environment. Throws Error as hub_settings() does.
PullOptions default_pull_options();

// Belongs to the hint about a model in the cache that cannot be used, where no hub may be asked.
inline constexpr const char* kOffline = "$HF_HUB_OFFLINE is set: the hub is not asked";

struct PulledFile {
  std::string name;
  std::uint64_t size = 0;      // bytes
  std::uint64_t received = 0;  // of them from the network, this time
};

struct PulledModel {
  std::string repository;  // the hub's own name for it
  std::string revision;    // as it was asked for
  std::string commit;
  std::filesystem::path folder;  // the snapshot
  std::vector<PulledFile> files;
  std::vector<std::string> warnings;

  std::uint64_t size() const;
  std::uint64_t received() const;
};

// Config and tokenizer first, then the weights, safetensors alone. A file in the cache that is not as the hub has it is
// replaced, in one step, when the right one has arrived. Throws Error for a name that cannot be one, whatever
// the hub refuses, an architecture that is not implemented (unless forced), a model without safetensors, a full disk;
// Interrupted, and then what has arrived is kept.
PulledModel pull_model(const PullOptions& options);

}  // namespace stratoscope
