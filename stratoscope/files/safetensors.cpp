#include "stratoscope/files/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/mistaken_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/files/safetensors_header.h"

namespace stratoscope {
namespace {

constexpr std::size_t kLengthBytes = sizeof(std::uint64_t);

[[noreturn]] void fail(const std::string& file, const std::string& problem, const std::string& hint = {}) {
  throw Error("safetensors", file + ": " + problem, hint);
}

// The header's text; the data follow it in the file.
std::string_view header_text(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.size() < kLengthBytes)
    fail(file, "has " + std::to_string(bytes.size()) + " bytes, fewer than the 8 that give the header's length",
         "was it downloaded whole?");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxSafetensorsHeader)
    fail(file,
         "header of " + std::to_string(length) + " bytes is longer than the " + std::to_string(kMaxSafetensorsHeader) +
             " allowed",
         "is this a safetensors file?");
  if (length > bytes.size() - kLengthBytes)
    fail(file,
         "header of " + std::to_string(length) + " bytes does not fit into the file of " + std::to_string(bytes.size()),
         "was it downloaded whole?");
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, static_cast<std::size_t>(length)};
}

std::string range(const SafetensorsEntry& entry) {
  return "[" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + ")";
}

void check_size(const SafetensorsEntry& entry, const std::string& file) {
  const std::string tensor = "tensor " + in_quotes(entry.name);
  if (entry.begin > entry.end)
    fail(file, tensor + " has data_offsets " + range(entry) + ", which end before they begin");
  std::size_t expected = entry.end - entry.begin;
  try {
    if (entry.dtype == DType::unreadable)
      element_count(entry.shape);
    else
      expected = byte_count(entry.dtype, entry.shape);
  } catch (const Error& error) {
    fail(file, tensor + ": " + error.problem());
  }
  if (entry.end - entry.begin != expected)
    fail(file, tensor + " of " + std::string(name_of(entry.dtype)) + " " + to_string(entry.shape) + " needs " +
                   std::to_string(expected) + " bytes, but its data_offsets " + range(entry) + " hold " +
                   std::to_string(entry.end - entry.begin));
}

// Sorted by offset, each tensor begins at the end of the previous one, from the first byte of the data to the last.
void check_layout(std::vector<SafetensorsEntry>& entries, std::size_t data_size, const std::string& file) {
  std::sort(entries.begin(), entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::size_t filled = 0;
  for (const SafetensorsEntry& entry : entries) {
    check_size(entry, file);
    if (entry.end > data_size)
      fail(file,
           "tensor " + in_quotes(entry.name) + " at " + range(entry) + " reaches beyond the data of " +
               std::to_string(data_size) + " bytes",
           "was it downloaded whole?");
    if (entry.begin < filled)
      fail(file, "tensor " + in_quotes(entry.name) + " at " + range(entry) +
                     " overlaps the one before it, which ends at " + std::to_string(filled));
    if (entry.begin > filled)
      fail(file, "bytes " + std::to_string(filled) + " to " + std::to_string(entry.begin) +
                     " of the data, before tensor " + in_quotes(entry.name) + ", belong to no tensor");
    filled = entry.end;
  }
  if (filled != data_size)
    fail(file,
         "the data has " + std::to_string(data_size) + " bytes, but its tensors end at " + std::to_string(filled));
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  try {
    read_header();
  } catch (const Error&) {
    check_unchanged();  // a changed file is the better reason for an invalid header
    throw;
  }
}

void SafetensorsFile::read_header() {
  const std::string file = path().string();
  refuse_mistaken_file({reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size()}, "safetensors",
                       file);
  const std::string_view json = header_text(file_.bytes(), file);
  SafetensorsHeader header = parse_safetensors_header(json, file);
  const std::span<const std::byte> data = file_.bytes().subspan(kLengthBytes + json.size());
  check_layout(header.entries, data.size(), file);
  for (SafetensorsEntry& entry : header.entries)
    tensors_.emplace(std::move(entry.name), StoredTensor{entry.dtype, std::move(entry.type), std::move(entry.shape),
                                                         data.subspan(entry.begin, entry.end - entry.begin)});
  metadata_ = std::move(header.metadata);
}

const StoredTensor& SafetensorsFile::at(const std::string& name) const {
  if (const auto found = tensors_.find(name); found != tensors_.end()) {
    if (found->second.dtype == DType::unreadable)
      fail(path().string(),
           "tensor " + in_quotes(name) + " is stored as " + in_quotes(found->second.type) + ", which is not read here",
           "store it as F32");
    return found->second;
  }
  std::vector<std::string> names;
  for (const auto& [other, tensor] : tensors_) names.push_back(other);
  fail(path().string(), "has no tensor " + in_quotes(name), did_you_mean(name, names));
}

std::string safetensors_beginning(const std::string& file, std::span<const PlannedArray> arrays,
                                  const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t begin = 0;
  auto& members = header.get_ref<nlohmann::ordered_json::object_t&>();  // no key is looked up
  std::set<std::string_view> names;
  for (const PlannedArray& array : arrays) {
    if (array.name == "__metadata__") fail(file, "no tensor may be called '__metadata__'");
    if (!names.insert(array.name).second) fail(file, "two arrays are called " + in_quotes(array.name));
    const std::size_t end = begin + byte_count(array.dtype, array.shape);
    members.emplace_back(array.name,
                         nlohmann::ordered_json{
                             {"dtype", name_of(array.dtype)}, {"shape", array.shape}, {"data_offsets", {begin, end}}});
    begin = end;
  }
  std::string json;
  try {
    json = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail(file, "a tensor's name or the metadata is not UTF-8");
  }
  json.resize((json.size() + 7) / 8 * 8, ' ');  // so that the data begins at a multiple of eight
  if (json.size() > kMaxSafetensorsHeader)
    fail(file, "the header would have " + std::to_string(json.size()) + " bytes, more than the " +
                   std::to_string(kMaxSafetensorsHeader) + " allowed");
  const std::uint64_t length = json.size();
  std::string beginning(sizeof length, '\0');
  std::memcpy(beginning.data(), &length, sizeof length);
  return beginning + json;
}

void write_safetensors(const std::filesystem::path& path, std::span<const ArrayView> arrays,
                       const std::map<std::string, std::string>& metadata) {
  check_arrays("safetensors", arrays);
  const std::string beginning = safetensors_beginning(path.string(), plans_of(arrays), metadata);
  AtomicFile file(path);
  file.write(beginning);
  for (const ArrayView& array : arrays) file.write(array.bytes);
  file.commit();
}

}  // namespace stratoscope
