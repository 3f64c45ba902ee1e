#include "stratoscope/files/array_writer.h"

#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/files/npy.h"
#include "stratoscope/files/npz.h"
#include "stratoscope/files/safetensors.h"
#include "stratoscope/files/save_arrays.h"

namespace stratoscope {
namespace {

// Checked before the file is created.
const std::filesystem::path& checked(const std::filesystem::path& path, std::span<const PlannedArray> arrays) {
  check_array_ending(path);
  if (path.extension() == ".npz") check_npz_names(arrays, path.string());
  return path;
}

}  // namespace

ArrayWriter::ArrayWriter(const std::filesystem::path& path, std::vector<PlannedArray> arrays,
                         const std::map<std::string, std::string>& metadata)
    : path_(checked(path, arrays)), arrays_(std::move(arrays)), file_(path) {
  std::uint64_t end = 0;
  std::vector<std::pair<std::uint64_t, std::string>> headers;
  if (!is_archive()) {
    headers.emplace_back(0, safetensors_beginning(path.string(), arrays_, metadata));
    end = headers[0].second.size();
  }
  for (const PlannedArray& array : arrays_) {
    if (is_archive()) {
      headers.emplace_back(end, npy_header(array));
      end += headers.back().second.size();
    }
    begins_.push_back(end);
    end += byte_count(array.dtype, array.shape);
  }
  file_.reserve(end);
  for (const auto& [begin, header] : headers) {
    file_.seek(begin);
    file_.write(header);
  }
}

void ArrayWriter::write(std::size_t index, std::uint64_t offset, std::span<const std::byte> bytes) {
  const std::uint64_t size = byte_count(arrays_[index].dtype, arrays_[index].shape);
  if (offset > size || bytes.size() > size - offset)
    throw Error("array", in_quotes(arrays_[index].name) + " has " + std::to_string(size) + " bytes, and " +
                             std::to_string(bytes.size()) + " more come at " + std::to_string(offset));
  file_.seek(begins_[index] + offset);
  file_.write(bytes);
}

void ArrayWriter::commit(const Progress* progress) {
  if (!is_archive()) return file_.commit();
  std::vector<NpyPart> parts;
  std::uint64_t begin = 0;
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    const std::uint64_t end = begins_[i] + byte_count(arrays_[i].dtype, arrays_[i].shape);
    parts.push_back({arrays_[i].name, begin, end - begin});
    begin = end;
  }
  write_npz(path_, file_.temporary(), parts, progress);
}

}  // namespace stratoscope
