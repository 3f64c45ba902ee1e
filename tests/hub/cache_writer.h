// A cache of models in a folder of the test's own, written by huggingface_hub's rules (docs/cache.md).
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include "stratoscope/text/byte_alphabet.h"
#include "tests/base/temporary_folder.h"
#include "tests/support/environment.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope::test {

// $HF_HUB_CACHE leads to it while it lives.
class CacheWriter {
 public:
  std::filesystem::path root() const { return folder_ / "cache"; }

  // A file of a snapshot: a link to a blob. The same bytes are the same blob.
  void file(const std::string& repository, const std::string& commit, const std::string& name,
            std::string_view bytes) const {
    const auto blobs = root() / repository / "blobs";
    const auto pointer = root() / repository / "snapshots" / commit / name;
    std::filesystem::create_directories(blobs);
    std::filesystem::create_directories(pointer.parent_path());
    const std::string blob = "b10b" + std::to_string(std::hash<std::string_view>{}(bytes));
    std::ofstream(blobs / blob, std::ios::binary) << bytes;
    std::filesystem::create_symlink(std::filesystem::path("../../blobs") / blob, pointer);
  }
  // The files of a model that can be found, though not run.
  void model(const std::string& repository, const std::string& commit, std::string_view config = "{}") const {
    file(repository, commit, "config.json", config);
    file(repository, commit, "tokenizer.json", "{ }");
    file(repository, commit, "model.safetensors", "weights of " + commit);
  }
  // One that can be run.
  void random_model(const std::string& repository, const std::string& commit) const {
    const TestModelFolder made;
    for (const char* name : {"config.json", "model.safetensors"})
      file(repository, commit, name, stratoscope::testing::bytes_of(made / name));
    nlohmann::json vocabulary;
    for (int byte = 0; byte < 256; ++byte) vocabulary[spell_bytes(std::string(1, static_cast<char>(byte)))] = byte;
    file(repository, commit, "vocab.json", vocabulary.dump());
    file(repository, commit, "merges.txt", "#version: 0.2\n");
  }
  void reference(const std::string& repository, const std::string& revision, const std::string& commit) const {
    const auto path = root() / repository / "refs" / revision;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << commit;
  }
  // A folder's second name.
  void link(const std::string& name, const std::string& repository) const {
    std::filesystem::create_directories(root());
    std::filesystem::create_directory_symlink(repository, root() / name);
  }

 private:
  const stratoscope::testing::TemporaryFolder folder_;
  const EnvironmentVariable hub_{"HF_HUB_CACHE", root().string()};
};

}  // namespace stratoscope::test
