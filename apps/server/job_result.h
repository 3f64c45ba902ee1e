// The result of a job: a small JSON document and named arrays, written in the format that the client asks for.
#pragma once

#include <deque>
#include <nlohmann/json.hpp>
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

struct JobResult {
  Json json = Json::object();
  std::deque<NamedArray> arrays = {};

  NamedArray& add(std::string name, Shape shape);
};

// The document alone.
std::string as_json(const JobResult& result);
// One safetensors file: the arrays, and the document as the text "document" of its metadata.
std::string as_safetensors(const JobResult& result);
// The arrays as a NumPy archive. Throws HttpError (400) for a result without arrays.
std::string as_npz(const JobResult& result);

// A folder for a file that is written and read back for a response. Throws HttpError (507) on failure.
TemporaryFolder make_temporary_folder();
// Throws HttpError (507) for a file that cannot be read.
std::string read_file(const std::filesystem::path& file);

}  // namespace stratoscope::server
