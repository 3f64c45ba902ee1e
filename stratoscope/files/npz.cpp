#include "stratoscope/files/npz.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/mistaken_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/files/npy.h"
#include "stratoscope/files/zip_output.h"

namespace stratoscope {
namespace {

constexpr std::string_view kEnding = ".npy";

struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};

[[noreturn]] void fail(const std::string& file, const std::string& problem, const std::string& hint = {}) {
  throw Error("npz", file + ": " + problem, hint);
}

// libzip reads from the mapping, so that all files are opened and checked in the same way.
zip_t* open_archive(const MappedFile& mapped) {
  refuse_mistaken_file({reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()}, "npz",
                       mapped.path().string());
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(mapped.bytes().data(), mapped.bytes().size(), 0, &error);
  zip_t* archive = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive == nullptr) {
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    zip_source_free(source);
    fail(mapped.path().string(), "cannot be read as a zip archive: " + reason, "was it written whole?");
  }
  zip_error_fini(&error);
  return archive;
}

// Takes ownership of `source`, which is null if libzip failed to create it.
void add_entry(zip_t* archive, const std::string& name, zip_source_t* source, const std::string& file) {
  if (source == nullptr) fail(file, zip_strerror(archive));
  const zip_int64_t index = zip_file_add(archive, (name + std::string(kEnding)).c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    fail(file, "array " + in_quotes(name) + " cannot be added: " + zip_strerror(archive));
  }
  constexpr zip_uint16_t kMidnight = 0, kFirstOfJanuary1980 = 0x21;
  // A fixed mode instead of the source file's; libzip's default without a mode is 0100666.
  constexpr zip_uint32_t kRegularFile = 0100644U << 16U;
  const auto position = static_cast<zip_uint64_t>(index);
  if (zip_set_file_compression(archive, position, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, position, kMidnight, kFirstOfJanuary1980, 0) != 0 ||
      zip_file_set_external_attributes(archive, position, 0, ZIP_OPSYS_UNIX, kRegularFile) != 0)
    fail(file, zip_strerror(archive));
}

// add_entries(archive) adds entries whose bytes are read when the archive is closed.
template <class AddEntries>
void write_archive(const std::filesystem::path& path, const Progress* progress, const AddEntries& add_entries) {
  const std::string file = path.string();
  AtomicFile place(path);
  ZipOutput output(place, progress);
  zip_error_t error;
  zip_error_init(&error);
  std::unique_ptr<zip, DiscardArchive> archive(output.open(&error));
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (!archive) fail(file, "cannot be written: " + reason);
  add_entries(archive.get());
  if (zip_close(archive.get()) != 0) {
    output.rethrow_failure();
    fail(file, std::string("cannot be written: ") + zip_strerror(archive.get()));
  }
  static_cast<void>(archive.release());  // already freed by closing
  place.commit();
}

}  // namespace

void DiscardArchive::operator()(zip* archive) const { zip_discard(archive); }

NpzFile::NpzFile(const std::filesystem::path& path, std::size_t max_expansion)
    : file_(path), archive_(open_archive(file_)) {
  if (__builtin_add_overflow(file_.bytes().size(), max_expansion, &limit_)) limit_ = static_cast<std::size_t>(-1);
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  if (count <= 0) fail(path.string(), "has no arrays");  // libzip accepts an empty file as an empty archive
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    zip_stat_t stat;
    if (zip_stat_index(archive_.get(), i, 0, &stat) != 0) fail(path.string(), zip_strerror(archive_.get()));
    std::string_view name = stat.name;
    if (!name.ends_with(kEnding)) continue;
    name.remove_suffix(kEnding.size());
    const auto [entry, is_first] = entries_.try_emplace(std::string(name), Entry{i, stat.size, false});
    if (!is_first) entry->second.is_twofold = true;
  }
}

std::vector<std::string> NpzFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

StoredArray NpzFile::read(const std::string& name) {
  const std::string file = file_.path().string(), what = file + ": array " + in_quotes(name);
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail(file, "has no array " + in_quotes(name), did_you_mean(name, names()));
  const Entry& entry = found->second;
  if (entry.is_twofold) fail(file, "two arrays are called " + in_quotes(name));
  if (entry.size > limit_ - unpacked_)
    fail(file,
         "holds more than the " + std::to_string(limit_) + " bytes of arrays that a file of its size may unpack to");
  unpacked_ += entry.size;
  try {
    const std::unique_ptr<zip_file_t, CloseEntry> stream(zip_fopen_index(archive_.get(), entry.index, 0));
    if (!stream) throw Error("npz", what + ": " + zip_strerror(archive_.get()));
    std::vector<std::byte> bytes(entry.size);
    const zip_int64_t got = zip_fread(stream.get(), bytes.data(), bytes.size());
    std::byte beyond{};
    // libzip compares the checksum only at the end of an entry.
    if (got != static_cast<zip_int64_t>(bytes.size()) || zip_fread(stream.get(), &beyond, 1) != 0)
      throw Error("npz", what + ": cannot be unpacked: " + zip_file_strerror(stream.get()));
    NpyHeader header = parse_npy_header(bytes, what);
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header.data_begin));
    StoredArray array = stored_array(std::move(header), std::move(bytes));
    file_.check_unchanged();
    return array;
  } catch (const std::bad_alloc&) {
    throw Error("npz", what + ": does not fit into memory");
  }
}

void check_npz_names(std::span<const PlannedArray> arrays, const std::string& file) {
  if (arrays.empty()) fail(file, "there is no array to write");
  const auto unfit = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  for (const PlannedArray& array : arrays)
    if (array.name.empty() || std::any_of(array.name.begin(), array.name.end(), unfit))
      fail(file, in_quotes(array.name) + " cannot be an array's name in a .npz file", "write a .safetensors file");
}

void write_npz(const std::filesystem::path& path, std::span<const ArrayView> arrays) {
  check_arrays("npz", arrays);
  const std::vector<PlannedArray> plans = plans_of(arrays);
  check_npz_names(plans, path.string());
  std::vector<std::string> headers;
  headers.reserve(plans.size());
  for (const PlannedArray& plan : plans) headers.push_back(npy_header(plan));
  write_archive(path, nullptr, [&](zip_t* archive) {
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      auto* numbers = const_cast<std::byte*>(arrays[i].bytes.data());
      const std::array<zip_buffer_fragment_t, 2> fragments = {
          {{reinterpret_cast<zip_uint8_t*>(headers[i].data()), headers[i].size()},
           {reinterpret_cast<zip_uint8_t*>(numbers), arrays[i].bytes.size()}}};
      add_entry(archive, arrays[i].name, zip_source_buffer_fragment(archive, fragments.data(), fragments.size(), 0),
                path.string());
    }
  });
}

void write_npz(const std::filesystem::path& path, const std::filesystem::path& source, std::span<const NpyPart> parts,
               const Progress* progress) {
  write_archive(path, progress, [&](zip_t* archive) {
    for (const NpyPart& part : parts)
      add_entry(archive, part.array,
                zip_source_file(archive, source.c_str(), part.begin, static_cast<zip_int64_t>(part.size)),
                path.string());
  });
}

}  // namespace stratoscope
