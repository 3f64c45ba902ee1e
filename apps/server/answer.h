// What a request is answered with: a small JSON document, and arrays beside it, in the form that the client wants.
#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/temporary.h"
#include "stratoscope/files/array.h"

namespace stratoscope::server {

using Json = nlohmann::ordered_json;

struct NamedArray {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

struct Answer {
  Json json = Json::object();
  std::deque<NamedArray> arrays = {};

  NamedArray& add(std::string name, Shape shape);
};

// The document, each array in it as nested lists under its name; what is not finite is null.
std::string as_json(const Answer& answer);
// One safetensors file: the arrays, and the document as the text "document" of its metadata.
std::string as_safetensors(const Answer& answer);
// NumPy's archive, the arrays alone. Throws Refusal where there are none.
std::string as_npz(const Answer& answer);

// A folder for files on their way to a client; removed with what is in it.
class PassingFolder {
 public:
  // Throws Refusal (507) where none can be made.
  PassingFolder();
  const std::filesystem::path& path() const { return folder_->path(); }

 private:
  std::optional<TemporaryFolder> folder_;
};
std::string bytes_of(const std::filesystem::path& file);

}  // namespace stratoscope::server
