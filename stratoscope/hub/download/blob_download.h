// Downloads one file from the hub into the cache: locked, resumed, hashed while it is received, and renamed into place
// only when complete and verified.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "stratoscope/hub/download/cache_writer.h"
#include "stratoscope/hub/download/hub_client.h"

namespace stratoscope {

// Callbacks of a download, in the downloading thread; each may throw.
struct DownloadObserver {
  std::function<void(std::uint64_t bytes)> present;  // number of bytes present
  std::function<void(const std::string& why)> note;  // the reason why it waits; empty: it runs
};

struct BlobRequest {
  std::string repository, commit, name;
  HubFile file;
  bool verify = false;  // also checks the hash of an existing blob, not only its size
};

// Replaces a blob of another size once the new one is complete. Returns the number of bytes received. Until then the
// bytes are in blobs/ETAG.incomplete, in order from the first, so that this program or huggingface_hub can resume.
// Throws Error (full disk; a wrong hash, after which the file is removed), Interrupted.
std::uint64_t download_blob(HubClient& client, const CacheWriter& cache, const BlobRequest& request,
                            const RetryOptions& options, const Wait& wait, const DownloadObserver& observer);

}  // namespace stratoscope
