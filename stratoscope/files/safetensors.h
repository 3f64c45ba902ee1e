// Reads and writes Hugging Face's safetensors format: eight bytes with the header's length, a JSON header, the numbers.
// Reading maps the file and validates all of its header; the tensors are views into the mapping, without copies.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/files/array.h"

namespace STRATOSCOPE_API stratoscope {

// `bytes` points into the file's mapping (at any alignment) and lives as long as its SafetensorsFile.
struct StoredTensor {
  DType dtype = DType::f32;
  std::string type = {};  // as spelled in the file: "F32", or "F8_E4M3" where dtype is DType::unreadable
  Shape shape;
  std::span<const std::byte> bytes;
};

class SafetensorsFile {
 public:
  // Maps the file and checks the whole header, at least as strictly as the format's reference implementation: tensors
  // fill the file's data exactly, without holes or overlaps; keys are unique. Types that DType does not have are
  // allowed. Throws Error with the file's name and the invalid part.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }
  bool contains(const std::string& name) const { return tensors_.contains(name); }
  // Throws Error with the file's name and the nearest names, or the type if it is unreadable.
  const StoredTensor& at(const std::string& name) const;

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::filesystem::path& path() const { return file_.path(); }
  void release_pages() const { file_.release_pages(); }
  // Throws Error if the file was changed since it was opened (base/mapped_file.h); call it after reading tensors.
  void check_unchanged() const { file_.check_unchanged(); }

 private:
  void read_header();

  MappedFile file_;
  std::map<std::string, StoredTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Writes the arrays in the order given, atomically; the same arrays give the same bytes. Throws Error for a name that
// is repeated, is "__metadata__" or is not UTF-8, and if the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::span<const ArrayView> arrays,
                       const std::map<std::string, std::string>& metadata = {});

// The bytes of such a file before its numbers, which follow in the order given without gaps. Throws Error as above,
// with the name `file`.
std::string safetensors_beginning(const std::string& file, std::span<const PlannedArray> arrays,
                                  const std::map<std::string, std::string>& metadata = {});

}  // namespace stratoscope
