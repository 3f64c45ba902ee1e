// Downloads the missing files of a model from the Hugging Face hub into its cache, for `stratoscope pull`.
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
  // Also compares existing files with the hub's hashes, not only with its sizes.
  bool verify = false;
  std::size_t files_at_once = 4;
  HubSettings settings;
  HttpOptions http;
  RetryOptions retry;
  // Free bytes for files in a folder.
  std::function<std::uint64_t(const std::filesystem::path&)> free_space;
  Progress* progress = nullptr;
};

// Everything except the name from the environment. Throws Error as hub_settings() does.
PullOptions default_pull_options();

// For the hint about an unusable model in the cache, in offline mode.
inline constexpr const char* kOffline = "$HF_HUB_OFFLINE is set: the hub is not asked";

struct PulledFile {
  std::string name;
  std::uint64_t size = 0;      // bytes
  std::uint64_t received = 0;  // bytes received from the network by this pull
};

struct PulledModel {
  std::string repository;  // the hub's name
  std::string revision;    // as requested
  std::string commit;
  std::filesystem::path folder;  // the snapshot
  std::vector<PulledFile> files;
  std::vector<std::string> warnings;

  std::uint64_t size() const;
  std::uint64_t received() const;
};

// The name by which to download a model that is missing or damaged. Empty for a model that a download cannot replace: a
// built-in model, and a folder outside the cache.
std::string name_to_pull(const std::string& model);

// Downloads config and tokenizer first, then the weights, only safetensors. A file in the cache that differs from the
// hub's is replaced atomically. Throws Error for an invalid name, an error of the hub, an architecture that is not
// implemented (unless forced), a model without safetensors, a full disk; Interrupted, which keeps the received bytes.
PulledModel pull_model(const PullOptions& options);

}  // namespace stratoscope
