#include "stratoscope/hub/find_model.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/cached_models.h"
#include "stratoscope/hub/known_models.h"
#include "stratoscope/hub/model_files.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<std::string> names_on_this_machine() {
  std::vector<std::string> names;
  for (const auto& parent : builtin_model_folders())
    for (auto& name : folder_names(parent)) names.push_back(std::move(name));
  for (CachedRepository& repository : cached_repositories(hugging_face_cache())) {
    names.push_back(std::move(repository.name));
    names.insert(names.end(), repository.aliases.begin(), repository.aliases.end());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// Not one that a model of the cache could have, too.
bool is_path(const std::string& name) { return name.find('/') != std::string::npos || name[0] == '.'; }

bool has_config(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / kConfigFile, ignored);
}

ModelLocation folder_location(const std::string& name) {
  const fs::path folder(name);
  std::error_code ignored;
  const std::string pull_name = name_to_pull(folder).value_or(""), command = how_to_get(name);
  if (!has_config(folder) && !pull_name.empty()) refuse_incomplete(pull_name, folder);
  if (!has_config(folder))
    throw Error("model", name + ": is a folder without config.json",
                "a model folder in Hugging Face layout holds config.json, model.safetensors and the tokenizer's files" +
                    (is_path(name) || command.empty() ? "" : "; " + command));
  const fs::path whole = fs::weakly_canonical(folder, ignored);
  return {sanitize_utf8((whole.empty() ? folder : whole).filename().string()), folder, pull_name};
}

// The file with this code: the shared library, or the program.
fs::path own_file() {
  static const char here = 0;
  Dl_info ignored{};
  link_map* object = nullptr;
  std::error_code error;
  if (::dladdr1(&here, &ignored, reinterpret_cast<void**>(&object), RTLD_DL_LINKMAP) != 0 && *object->l_name != '\0')
    return fs::canonical(object->l_name, error);
  return fs::read_symlink("/proc/self/exe", error);
}

// Suggestions: a similar name, and the command that downloads the model.
std::string hint_for_unknown(const std::string& name) {
  const std::vector<std::string> here = names_on_this_machine();
  std::vector<std::string> nearby = here;
  for (const KnownModel& model : known_models()) nearby.emplace_back(model.name);
  const bool known = known_model(split_model_name(name).repository) != nullptr;
  std::string hint = known ? "" : did_you_mean(name, nearby);
  if (hint.empty() && !known && !here.empty()) {
    hint = "on this machine are:";
    for (const std::string& model : here) hint += " " + model;
  }
  const std::string command = how_to_get(name);
  return hint + (hint.empty() || command.empty() ? "" : "; ") + command;
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

ModelLocation find_model(const std::string& name) {
  if (name.empty()) throw Error("model", "the model's name is empty");
  if (name.find('\0') != std::string::npos) throw Error("model", "the model's name holds a zero byte");
  if (is_folder(name) && is_path(name)) return folder_location(name);
  if (name.find('/') == std::string::npos)
    for (const auto& parent : builtin_model_folders())
      if (is_folder(parent / name)) return {name, parent / name, {}};
  if (is_folder(name) && has_config(name)) return folder_location(name);
  if (auto found = find_cached_model(name)) return *found;
  if (is_folder(name)) return folder_location(name);  // throws its error
  std::error_code ignored;
  if (fs::exists(name, ignored)) throw Error("model", name + ": is a file", "name the folder that holds it");

  throw Error("model",
              in_quotes(name) + " is neither a folder, nor a built-in model, nor in the Hugging Face cache (" +
                  hugging_face_cache().string() + ")",
              hint_for_unknown(name));
}

}  // namespace stratoscope
