// Hugging Face's safetensors format, in and out: eight bytes with the header's length, a JSON header, the numbers.
// Reading maps the file and trusts nothing in it; the tensors are views into the mapping and are never copied here.
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
  std::string type = {};  // as the file spells it: "F32", or "F8_E4M3" where dtype is DType::unreadable
  Shape shape;
  std::span<const std::byte> bytes;
};

class SafetensorsFile {
 public:
  // Maps the file and checks the whole header, as strictly as the format's reference implementation and in places
  // more: tensors fill the file's data exactly, without holes or overlaps; no key occurs twice. Types that DType does
  // not have may lie beside those that are read. Throws Error naming the file and what is wrong where.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }
  bool contains(const std::string& name) const { return tensors_.contains(name); }
  // Throws Error naming the file and the nearest names, or the type where it is unreadable.
  const StoredTensor& at(const std::string& name) const;

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::filesystem::path& path() const { return file_.path(); }
  void release_pages() const { file_.release_pages(); }
  // Throws Error when the file was changed since it was opened (base/mapped_file.h); for after reading tensors.
  void check_unchanged() const { file_.check_unchanged(); }

 private:
  void read_header();

  MappedFile file_;
  std::map<std::string, StoredTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Writes the arrays in the order given, atomically; the same arrays give the same bytes. Throws Error on a name that
// occurs twice, is "__metadata__" or is not UTF-8, and when the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::span<const ArrayView> arrays,
                       const std::map<std::string, std::string>& metadata = {});

// All that such a file holds before its numbers, which follow in the order given without gaps. `file` is named in
// errors, which are those of above.
std::string safetensors_beginning(const std::string& file, std::span<const PlannedArray> arrays,
                                  const std::map<std::string, std::string>& metadata = {});

}  // namespace stratoscope
