#include "stratoscope/files/zip_output.h"

#include <algorithm>
#include <span>

namespace stratoscope {

zip_t* ZipOutput::open(zip_error_t* error) {
  zip_source_t* source = zip_source_function_create(on_command, this, error);
  if (source == nullptr) return nullptr;
  zip_t* archive = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, error);
  if (archive == nullptr) zip_source_free(source);
  return archive;
}

void ZipOutput::rethrow_failure() const {
  if (failure_) std::rethrow_exception(failure_);
}

// No exception may propagate through libzip, which is C.
zip_int64_t ZipOutput::on_command(void* self, void* data, zip_uint64_t length, zip_source_cmd_t command) {
  auto* output = static_cast<ZipOutput*>(self);
  try {
    return output->obey(data, length, command);
  } catch (...) {
    output->failure_ = std::current_exception();
    return -1;
  }
}

// libzip requires that reading is supported, but reads nothing from an archive that it truncates.
zip_int64_t ZipOutput::obey(void* data, zip_uint64_t length, zip_source_cmd_t command) {
  switch (command) {
    case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_WRITABLE;
    case ZIP_SOURCE_STAT: zip_stat_init(static_cast<zip_stat_t*>(data)); return sizeof(zip_stat_t);
    case ZIP_SOURCE_WRITE: write(data, length); return static_cast<zip_int64_t>(length);
    case ZIP_SOURCE_SEEK_WRITE: return seek(data, length) ? 0 : -1;
    case ZIP_SOURCE_TELL_WRITE: return static_cast<zip_int64_t>(position_);
    case ZIP_SOURCE_ERROR: {
      const int code[2] = {ZIP_ER_WRITE, 0};
      std::copy_n(code, 2, static_cast<int*>(data));
      return sizeof code;
    }
    case ZIP_SOURCE_OPEN:
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_BEGIN_WRITE:
    case ZIP_SOURCE_COMMIT_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE:
    case ZIP_SOURCE_FREE: return 0;
    default: return -1;
  }
}

void ZipOutput::write(const void* data, zip_uint64_t length) {
  if (progress_ != nullptr) progress_->throw_if_cancelled();
  file_.write(std::span(static_cast<const std::byte*>(data), static_cast<std::size_t>(length)));
  position_ += length;
  end_ = std::max(end_, position_);
}

bool ZipOutput::seek(void* data, zip_uint64_t length) {
  const zip_int64_t offset = zip_source_seek_compute_offset(position_, end_, data, length, nullptr);
  if (offset < 0) return false;
  position_ = static_cast<zip_uint64_t>(offset);
  file_.seek(position_);
  return true;
}

}  // namespace stratoscope
