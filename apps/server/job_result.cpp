#include "apps/server/job_result.h"

#include <cstring>
#include <fstream>
#include <iterator>

#include "apps/server/http_error.h"
#include "stratoscope/files/npz.h"

namespace stratoscope::server {
namespace {

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

NamedArray& JobResult::add(std::string name, Shape shape) {
  const std::size_t count = element_count(shape);
  arrays.push_back({std::move(name), std::move(shape), std::vector<float>(count)});
  return arrays.back();
}

std::string as_json(const JobResult& result) { return dump(result.json); }

std::string as_safetensors(const JobResult& result) {
  Json header;
  header["__metadata__"] = {{"document", dump(result.json)}};
  std::size_t end = 0;
  for (const NamedArray& array : result.arrays) {
    const std::size_t begin = end;
    end += array.values.size() * sizeof(float);
    header[array.name] = {{"dtype", "F32"}, {"shape", array.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = dump(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes += text;
  for (const NamedArray& array : result.arrays) {
    const std::size_t begin = bytes.size();
    bytes.resize(begin + array.values.size() * sizeof(float));
    if (!array.values.empty()) std::memcpy(bytes.data() + begin, array.values.data(), bytes.size() - begin);
  }
  return bytes;
}

std::string as_npz(const JobResult& result) {
  if (result.arrays.empty()) throw HttpError(400, "request", "this result has no arrays", "ask for json");
  std::vector<ArrayView> views;
  for (const NamedArray& array : result.arrays)
    views.push_back(array_view(array.name, std::span<const float>(array.values), array.shape));
  const TemporaryFolder folder = make_temporary_folder();
  write_npz(folder.path() / "arrays.npz", views);
  return read_file(folder.path() / "arrays.npz");
}

TemporaryFolder make_temporary_folder() {
  try {
    return TemporaryFolder();
  } catch (const Error& error) {
    throw HttpError(507, "server", error.problem(), error.hint());
  }
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw HttpError(507, "server", "a temporary file cannot be read back");
  return bytes;
}

}  // namespace stratoscope::server
