#include "stratoscope/hub/find_model.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> folder_from(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(value);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<std::string> folder_names(const fs::path& parent) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error))
    if (is_folder(entry->path())) names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// "models--openai-community--gpt2" to "openai-community/gpt2".
std::optional<std::string> repository_name(const std::string& cache_folder) {
  constexpr std::string_view kPrefix = "models--";
  if (!cache_folder.starts_with(kPrefix)) return std::nullopt;
  std::string name = cache_folder.substr(kPrefix.size());
  if (const auto dashes = name.find("--"); dashes != std::string::npos) name.replace(dashes, 2, "/");
  return name;
}

// The snapshot that refs/main points to, else the only one there is.
std::optional<fs::path> snapshot_of(const fs::path& repository) {
  std::error_code ignored;
  if (fs::is_regular_file(repository / "refs" / "main", ignored)) {
    std::string commit = read_text_file(repository / "refs" / "main", 256);
    while (!commit.empty() && std::isspace(static_cast<unsigned char>(commit.back())) != 0) commit.pop_back();
    const fs::path snapshot = repository / "snapshots" / commit;
    if (!commit.empty() && fs::path(commit).filename() == commit && is_folder(snapshot)) return snapshot;
  }
  const auto snapshots = folder_names(repository / "snapshots");
  if (snapshots.size() == 1) return repository / "snapshots" / snapshots[0];
  return std::nullopt;
}

std::optional<ModelLocation> find_in_cache(const std::string& name) {
  const fs::path cache = hugging_face_cache();
  for (const std::string& folder : folder_names(cache)) {
    const auto repository = repository_name(folder);
    if (!repository) continue;
    // A short name also finds the organisation's repository, as the hub redirects it.
    const bool matches =
        *repository == name || (name.find('/') == std::string::npos && repository->ends_with("/" + name));
    if (!matches) continue;
    if (const auto snapshot = snapshot_of(cache / folder)) return ModelLocation{*repository, *snapshot};
  }
  return std::nullopt;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  for (const auto& parent : builtin_model_folders())
    for (auto& name : folder_names(parent)) names.push_back(std::move(name));
  for (const auto& folder : folder_names(hugging_face_cache()))
    if (auto repository = repository_name(folder)) names.push_back(std::move(*repository));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

ModelLocation folder_location(const std::string& name) {
  const fs::path folder(name);
  std::error_code ignored;
  if (!fs::exists(folder / "config.json", ignored))
    throw Error("model", name + ": is a folder without config.json",
                "a model folder in Hugging Face layout holds config.json, model.safetensors and the tokenizer's files");
  const fs::path whole = fs::weakly_canonical(folder, ignored);
  return {(whole.empty() ? folder : whole).filename().string(), folder};
}

// The file that this code runs from: the shared library, or the program that it was linked into.
fs::path own_file() {
  static const char here = 0;
  Dl_info ignored{};
  link_map* object = nullptr;
  std::error_code error;
  if (::dladdr1(&here, &ignored, reinterpret_cast<void**>(&object), RTLD_DL_LINKMAP) != 0 && *object->l_name != '\0')
    return fs::canonical(object->l_name, error);
  return fs::read_symlink("/proc/self/exe", error);
}

}  // namespace

std::vector<fs::path> builtin_model_folders() {
  constexpr int kDeepest = 2;  // as in PREFIX/lib/x86_64-linux-gnu
  fs::path folder = own_file().parent_path();
  if (folder.empty()) return {};
  std::vector<fs::path> folders = {folder / "models"};
  for (int up = 0; up < kDeepest && folder.has_relative_path(); ++up) {
    folder = folder.parent_path();
    folders.push_back(folder / "share" / "stratoscope" / "models");
  }
  return folders;
}

fs::path hugging_face_cache() {
  if (const auto cache = folder_from("HF_HUB_CACHE")) return *cache;
  if (const auto home = folder_from("HF_HOME")) return *home / "hub";
  if (const auto xdg = folder_from("XDG_CACHE_HOME")) return *xdg / "huggingface" / "hub";
  return folder_from("HOME").value_or("/") / ".cache" / "huggingface" / "hub";
}

ModelLocation find_model(const std::string& name) {
  if (name.empty()) throw Error("model", "the model's name is empty");
  if (name.find('\0') != std::string::npos) throw Error("model", "the model's name holds a zero byte");
  const bool is_path = name.find('/') != std::string::npos || name[0] == '.';
  if (is_folder(name) && is_path) return folder_location(name);
  if (name.find('/') == std::string::npos)
    for (const auto& parent : builtin_model_folders())
      if (is_folder(parent / name)) return {name, parent / name};
  if (is_folder(name)) return folder_location(name);
  if (auto found = find_in_cache(name)) return *found;
  std::error_code ignored;
  if (fs::exists(name, ignored)) throw Error("model", name + ": is a file", "name the folder that holds it");

  const auto names = known_names();
  std::string hint = did_you_mean(name, names);
  if (hint.empty() && !names.empty()) {
    hint = "on this machine are:";
    for (const auto& known : names) hint += " " + known;
  }
  throw Error("model",
              in_quotes(name) + " is neither a folder, nor a built-in model, nor in the Hugging Face cache (" +
                  hugging_face_cache().string() + ")",
              hint);
}

}  // namespace stratoscope
