#include "stratoscope/hub/download/pull.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <type_traits>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/families/families.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/download/address.h"
#include "stratoscope/hub/download/blob_download.h"
#include "stratoscope/hub/download/cache_writer.h"
#include "stratoscope/hub/download/cached_pull.h"
#include "stratoscope/hub/download/hub_client.h"
#include "stratoscope/hub/download/parallel_transfers.h"
#include "stratoscope/hub/find_model.h"
#include "stratoscope/hub/known_models.h"
#include "stratoscope/hub/model_files.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestText = std::size_t{32} << 20;  // of config.json and the index

std::uint64_t free_space_of(const fs::path& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  return error ? UINT64_MAX : space.available;
}

void check_name(const std::string& name, const ModelName& model) {
  if (!is_repository_name(model.repository))
    throw Error("pull", in_quotes(name) + " is not a name of a model on the hub",
                "it is NAME or ORGANISATION/NAME, and @REVISION may follow");
  if (!is_revision(model.revision))
    throw Error("pull", in_quotes(model.revision) + " is not a revision", "it is a branch, a tag or a commit");
  if (model.repository == kBuiltInModel)
    throw Error("pull", in_quotes(name) + " is built in, there is nothing to download");
}

// An index may name any file of the repository: pickles and names with control characters are errors.
void check_shard(const HubRevision& revision, const std::string& name) {
  const bool plain = without_controls(name) == name && name.front() != '.' && name.ends_with(".safetensors");
  if (!plain)
    throw Error("pull", in_quotes(revision.repository) + ": its index names " + in_quotes(name) +
                            ", which is not a safetensors file");
  if (!revision.files.contains(name))
    throw Error("pull", in_quotes(revision.repository) + " lacks " + in_quotes(name) + ", which its index names");
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// 0 if there is no file.
std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

// One pull from beginning to end.
class Pull {
 public:
  explicit Pull(const PullOptions& options)
      : options_(options),
        name_(split_model_name(options.name)),
        clients_(std::max<std::size_t>(1, options.files_at_once)) {
    check_name(options.name, name_);
  }

  PulledModel from_hub() {
    try {
      return run();
    } catch (const Interrupted&) {
      throw Interrupted("the received bytes are kept: the same command resumes");
    }
  }

 private:
  struct PendingFile {
    PulledFile result;
    std::optional<HubFile> hub_file;  // nullopt if the snapshot has it
    std::size_t part = 0;
  };

  PulledModel run() {
    progress_.add(host_of(options_.settings.endpoint), 0);  // shown before the first file
    std::optional<PulledModel> complete;
    run_transfers(1, [&](std::size_t, std::size_t thread) {
      HubClient& hub = client(thread);
      found_ = hub.revision(name_.repository, name_.revision);
      if (options_.verify) return;
      complete = find_complete(options_.settings.cache, name_, found_,
                               [&](const std::string& name) { return hub_size(name, hub); });
    });
    if (complete) return std::move(*complete);
    const bool split = check_weights();
    cache_.emplace(options_.settings.cache, found_.repository, name_.repository);
    get({kConfigFile}, options_.verify);
    check_architecture();
    std::vector<std::string> names;
    for (const char* const name : companion_files())
      if (found_.files.contains(name)) names.emplace_back(name);
    if (split) get({kWeightsIndexFile}, options_.verify);
    const auto shards = [&](const std::string& text, const std::string& source) {
      std::vector<std::string> files = files_of_index(text, source);
      for (const std::string& name : files) check_shard(found_, name);
      return files;
    };
    const auto weights = split ? parsed(kWeightsIndexFile, shards) : std::vector<std::string>{kWeightsFile};
    names.insert(names.end(), weights.begin(), weights.end());
    get(names, options_.verify);
    cache_->set_reference(name_.revision, found_.commit);
    return result();
  }

  // Whether the weights are in several files.
  bool check_weights() const {
    const std::string name = in_quotes(found_.repository);
    if (!found_.files.contains(kConfigFile))
      throw Error("pull", name + " has no config.json", "is it a model of the transformers library?");
    if (found_.files.contains(kWeightsFile)) return false;
    if (found_.files.contains(kWeightsIndexFile)) return true;
    const bool pickled = std::any_of(found_.files.begin(), found_.files.end(), [](const auto& listed) {
      const std::string& file = listed.first;
      return file.ends_with(".bin") || file.ends_with(".pt") || file.ends_with(".pth");
    });
    throw Error("pull", name + " has no safetensors" + (pickled ? ", only pickles" : ""),
                pickled ? "a pickle can run code and is never downloaded; convert it in Python with "
                          "save_pretrained(FOLDER, safe_serialization=True) and use --model FOLDER"
                        : "is it a model of the transformers library?");
  }

  void check_architecture() {
    try {
      parsed(kConfigFile, parse_model_config);
    } catch (const Error& error) {
      if (!options_.force)
        throw Error("pull", in_quotes(found_.repository) + " cannot be run here: " + error.problem(),
                    (error.hint().empty() ? "" : error.hint() + "; ") + "--force downloads it anyway");
      warnings_.push_back(in_quotes(found_.repository) + " cannot be run here: " + error.problem());
    }
  }

  // The result of `parse` for a file's text. If it cannot be parsed, the file is first compared with the hub's hash.
  template <class Parse>
  std::invoke_result_t<const Parse&, std::string, std::string> parsed(const char* name, const Parse& parse) {
    const auto text = [&] { return read_text_file(cache_->snapshot(found_.commit) / name, kLargestText); };
    try {
      return parse(text(), name);
    } catch (const Interrupted&) {
      throw;
    } catch (const NotImplemented&) {
      throw;
    } catch (const Error&) {
      get({name}, true);
      return parse(text(), name);
    }
  }

  // Downloads files into the snapshot in parallel: first their properties, then, if there is room on the disk, their
  // bytes. Existing files are compared with the hub's size, or, to verify, with its hash.
  void get(const std::vector<std::string>& names, bool verify) {
    std::vector<PendingFile> files;
    files.reserve(names.size());
    for (const std::string& name : names) files.push_back({{name, 0, 0}, std::nullopt, 0});
    run_transfers(files.size(), [&](std::size_t i, std::size_t thread) { inspect(files[i], client(thread), verify); });
    check_space(files);
    for (PendingFile& file : files)
      if (file.hub_file) file.part = progress_.add(file.result.name, file.hub_file->size);
    // The largest first, so that no large one is left for the end.
    std::vector<std::size_t> order(files.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return files[a].result.size > files[b].result.size; });
    run_transfers(files.size(),
                  [&](std::size_t i, std::size_t thread) { download(files[order[i]], client(thread), verify); });
    for (const PendingFile& file : files) {
      if (file.hub_file) cache_->link(found_.commit, file.result.name, file.hub_file->etag);
      std::erase_if(files_, [&](const PulledFile& earlier) { return earlier.name == file.result.name; });
      files_.push_back(file.result);
    }
  }

  // From the list of files, else by a request.
  std::uint64_t hub_size(const std::string& name, HubClient& client) const {
    const std::optional<std::uint64_t>& listed = found_.files.at(name);
    return listed ? *listed : client.file(found_.repository, found_.commit, name).size;
  }

  void inspect(PendingFile& file, HubClient& client, bool verify) const {
    const fs::path present = cache_->snapshot(found_.commit) / file.result.name;
    if (!verify && is_file(present) && has_size(present, hub_size(file.result.name, client))) {
      file.result.size = size_of(present);
      return;
    }
    file.hub_file = client.file(found_.repository, found_.commit, file.result.name);
    file.result.size = file.hub_file->size;
  }

  void check_space(const std::vector<PendingFile>& files) const {
    std::uint64_t needed = 0;
    for (const PendingFile& file : files) {
      if (!file.hub_file) continue;
      const fs::path blob = cache_->blobs().path() / file.hub_file->etag;
      const std::uint64_t size = file.hub_file->size;
      const std::uint64_t present = has_size(blob, size) ? size : size_of(blob.string() + ".incomplete");
      const std::uint64_t missing = size - std::min(present, size);
      needed += std::min(missing, UINT64_MAX - needed);  // sizes of the hub are not trusted
    }
    const std::uint64_t free = options_.free_space(cache_->folder());
    if (needed > free)
      throw Error("pull",
                  in_quotes(found_.repository) + " needs " + size_text(needed) + ", and " + size_text(free) +
                      " are free in " + options_.settings.cache.string(),
                  "free some space, or set $HF_HUB_CACHE to a folder on another disk");
  }

  void download(PendingFile& file, HubClient& client, bool verify) {
    if (!file.hub_file) return;
    const DownloadObserver observer{[&](std::uint64_t bytes) {
                                      progress_.set_done(file.part, bytes);
                                      stop_.throw_if_requested();
                                    },
                                    [&](const std::string& why) {
                                      progress_.set_note(file.part, why);
                                      stop_.throw_if_requested();
                                    }};
    file.result.received =
        download_blob(client, *cache_, {found_.repository, found_.commit, file.result.name, *file.hub_file, verify},
                      options_.retry, wait(file.part), observer);
  }

  Wait wait(std::size_t part) {
    return [this, part](std::chrono::milliseconds time, const std::string& why) {
      progress_.set_note(part, why);
      stop_.wait(time);
      progress_.set_note(part, "");
    };
  }

  // One connection for each thread.
  HubClient& client(std::size_t thread) {
    std::unique_ptr<HubClient>& client = clients_.at(thread);
    if (client == nullptr)
      client = std::make_unique<HubClient>(HubClientOptions{options_.settings, options_.http, options_.retry,
                                                            [this] { return stop_.is_requested(); }, wait(0)});
    return *client;
  }

  void run_transfers(std::size_t count, const Job& job) {
    const auto show = [this] {
      if (options_.progress == nullptr) return;
      options_.progress->update_parts(progress_.parts());
      options_.progress->throw_if_cancelled();
    };
    run_parallel(count, clients_.size(), stop_, job, show);
    show();
  }

  PulledModel result() {
    return {found_.repository, name_.revision, found_.commit, cache_->snapshot(found_.commit), files_, warnings_};
  }

  const PullOptions& options_;
  ModelName name_;
  std::vector<std::unique_ptr<HubClient>> clients_;  // by thread
  HubRevision found_;
  std::optional<CacheWriter> cache_;
  std::vector<PulledFile> files_;
  std::vector<std::string> warnings_;
  TransferProgress progress_;
  StopRequest stop_;
};

template <class Count>
std::uint64_t sum(const std::vector<PulledFile>& files, const Count& count) {
  return std::accumulate(files.begin(), files.end(), std::uint64_t{0},
                         [&](std::uint64_t total, const PulledFile& file) { return total + count(file); });
}

}  // namespace

std::uint64_t PulledModel::size() const {
  return sum(files, [](const PulledFile& file) { return file.size; });
}

std::uint64_t PulledModel::received() const {
  return sum(files, [](const PulledFile& file) { return file.received; });
}

PullOptions default_pull_options() {
  PullOptions options;
  options.settings = hub_settings();
  options.free_space = free_space_of;
  return options;
}

PulledModel pull_model(const PullOptions& options) {
  Pull pull(options);
  return options.settings.offline ? find_offline(options.settings.cache, options.name) : pull.from_hub();
}

std::string name_to_pull(const std::string& model) {
  try {
    return find_model(model).pull_name;
  } catch (const Error&) {  // it is not there, or not complete
  }
  const ModelName asked = split_model_name(model);
  std::error_code ignored;
  const bool is_folder = model.find('/') != std::string::npos && fs::exists(model, ignored);
  return !is_folder && is_repository_name(asked.repository) && is_revision(asked.revision) ? model : "";
}

}  // namespace stratoscope
