#include "stratoscope/hub/download/blob_download.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "stratoscope/base/names.h"
#include "stratoscope/hub/download/faults.h"
#include "stratoscope/hub/download/partial_file.h"

namespace stratoscope {
namespace {

// The whole size of "bytes 5-9/10".
std::optional<std::uint64_t> whole_size(const HttpResponse& response) {
  const std::string range = response.header("content-range");
  const auto slash = range.find('/');
  std::uint64_t size = 0;
  if (slash == std::string::npos ||
      std::from_chars(range.data() + slash + 1, range.data() + range.size(), size).ec != std::errc())
    return std::nullopt;
  return size;
}

class FileSink : public BodySink {
 public:
  FileSink(PartialFile& file, const BlobRequest& request, Retry& retry, const DownloadObserver& observer)
      : file_(file), request_(request), retry_(retry), observer_(observer), farthest_(file.position()) {}

  void begin(const HttpResponse& response) override {
    constexpr long kPartial = 206;
    const bool partial = response.status == kPartial;
    const auto size = partial ? whole_size(response) : response.number("content-length");
    if (size && *size != request_.file.size)
      throw PassingFault("pull",
                         in_quotes(request_.name) + " has " + std::to_string(*size) +
                             " bytes on the server, but the hub announced " + std::to_string(request_.file.size),
                         "", true);
    const std::string from = "bytes " + std::to_string(file_.position()) + "-";
    if (partial && !response.header("content-range").starts_with(from))
      throw PassingFault("pull", "the server sends another part of " + in_quotes(request_.name) + " than requested");
    if (!partial && file_.position() > 0) file_.restart();
    observer_.note("");
  }

  void write(std::span<const std::byte> bytes) override {
    if (bytes.size() > request_.file.size - file_.position())
      throw Error("pull", "the server sends more of " + in_quotes(request_.name) + " than the " +
                              std::to_string(request_.file.size) + " bytes that the hub announced");
    file_.append(bytes);
    received_ += bytes.size();
    if (file_.position() > farthest_) retry_.note_progress();
    farthest_ = std::max(farthest_, file_.position());
    observer_.present(file_.position());
  }

  std::uint64_t received() const { return received_; }

 private:
  PartialFile& file_;
  const BlobRequest& request_;
  Retry& retry_;
  const DownloadObserver& observer_;
  std::uint64_t farthest_, received_ = 0;
};

// One attempt to receive the missing bytes.
void read_rest(HubClient& client, const BlobRequest& request, PartialFile& file, FileSink& sink) {
  constexpr long kBadRange = 416;
  const HttpResponse response = client.read(request.repository, request.commit, request.name, file.position(), sink);
  if (response.status == kBadRange) file.restart();
  if (!file.is_complete())
    throw PassingFault("pull", in_quotes(request.name) + " ends after " + std::to_string(file.position()) + " of " +
                                   std::to_string(request.file.size) + " bytes");
}

std::uint64_t fill(HubClient& client, const BlobRequest& request, PartialFile& file, const RetryOptions& options,
                   const Wait& wait, const DownloadObserver& observer) {
  Retry retry(options, wait);
  FileSink sink(file, request, retry, observer);
  while (!file.is_complete()) {
    std::optional<PassingFault> failed;
    try {
      read_rest(client, request, file, sink);
    } catch (const PassingFault& fault) {
      failed = fault;
    }
    if (failed) retry.wait_after(*failed);
  }
  return sink.received();
}

// nullopt if there is no such file; a link does not count.
std::optional<std::uint64_t> size_of(const Folder& folder, const std::string& name) {
  struct stat info {};
  if (::fstatat(folder.descriptor(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
    return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

// Whether the blob exists and passes the requested checks.
bool is_present(const Folder& blobs, const BlobRequest& request, const DownloadObserver& observer) {
  if (size_of(blobs, request.file.etag) != request.file.size) return false;
  observer.present(request.file.size);
  if (!request.verify) return true;
  observer.note("checking existing files");
  const bool right =
      has_digest(blobs, request.file.etag, request.file.size, [&] { observer.present(request.file.size); });
  observer.note("");
  return right;
}

}  // namespace

std::uint64_t download_blob(HubClient& client, const CacheWriter& cache, const BlobRequest& request,
                            const RetryOptions& options, const Wait& wait, const DownloadObserver& observer) {
  const std::uint64_t size = request.file.size;
  const std::string blob = request.file.etag, partial = blob + ".incomplete";
  cache.adopt(request.file.etag);
  const auto locks = cache.lock(request.file.etag, [&] {
    if (const auto present = size_of(cache.blobs(), partial)) observer.present(*present);
    observer.note("another process is downloading it");
  });
  observer.note("");
  if (is_present(cache.blobs(), request, observer)) return 0;
  CacheWriter::make_room(cache.blobs(), blob);
  CacheWriter::make_room(cache.blobs(), partial);
  PartialFile file(cache.blobs(), partial, request.file.etag, size);
  bool resumed = file.position() > 0;
  observer.present(file.position());
  if (resumed) observer.note("checking existing files");
  file.hash_beginning([&] { observer.present(file.position()); });
  observer.note("");
  std::uint64_t received = 0;
  for (;;) {
    received += fill(client, request, file, options, wait, observer);
    if (file.is_right()) break;
    if (!resumed) {
      file.remove();
      throw Error("pull",
                  in_quotes(request.name) + " arrived with the " + file.hash_name() + " " + file.found_hash() +
                      ", but the hub says " + request.file.etag + "; it was removed",
                  "try again; if it persists, a machine on the way to the hub changes its data");
    }
    resumed = false;  // the beginning may be of another program, or damaged by a power failure
    file.restart();
  }
  observer.note("writing it to the disk");  // slow disks need time
  file.move_to(blob);
  observer.note("");
  return received;
}

}  // namespace stratoscope
