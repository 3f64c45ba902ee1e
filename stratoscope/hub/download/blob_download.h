// One file from the hub into the cache: locked, resumed where an earlier try ended, hashed on the way, in its place
// only when every byte is right.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "stratoscope/hub/download/cache_writer.h"
#include "stratoscope/hub/download/hub_client.h"

namespace stratoscope {

// What the outside learns while a file comes. Each may be called from the downloading thread; each may throw.
struct DownloadObserver {
  std::function<void(std::uint64_t bytes)> present;  // so many bytes of it are here
  std::function<void(const std::string& why)> note;  // what it waits for; empty: nothing
};

struct BlobRequest {
  std::string repository, commit, name;
  HubFile file;
  bool verify = false;  // a blob that is there counts only with the right hash, not with the right size alone
};

// A blob of another size is replaced when the right one is complete. Returns how many bytes came over the network. The
// bytes are in blobs/ETAG.incomplete until then, in order from the first, so that whoever comes next goes on from its
// end: this program or huggingface_hub. Throws Error (full disk; a hash that is wrong, and then the file is gone),
// Interrupted.
std::uint64_t download_blob(HubClient& client, const CacheWriter& cache, const BlobRequest& request,
                            const RetryOptions& options, const Wait& wait, const DownloadObserver& observer);

}  // namespace stratoscope
