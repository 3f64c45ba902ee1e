// Where libzip writes an archive: into an AtomicFile, so that an archive, too, appears whole or not at all.
#pragma once

#include <zip.h>

#include <exception>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/progress.h"

namespace stratoscope {

class ZipOutput {
 public:
  // Writing ends with Interrupted where `progress` says so.
  explicit ZipOutput(AtomicFile& file, const Progress* progress = nullptr) : file_(file), progress_(progress) {}
  // An empty archive. Closing it writes all of it into the file; commit() of the file stays with the caller. Returns
  // nullptr and sets *error on failure. The archive must not outlive this object.
  zip_t* open(zip_error_t* error);
  // Throws the Error that the file ended writing with; libzip knows only that it did.
  void rethrow_failure() const;

 private:
  static zip_int64_t on_command(void* self, void* data, zip_uint64_t length, zip_source_cmd_t command);
  zip_int64_t obey(void* data, zip_uint64_t length, zip_source_cmd_t command);
  void write(const void* data, zip_uint64_t length);
  bool seek(void* data, zip_uint64_t length);

  AtomicFile& file_;
  const Progress* progress_;
  zip_uint64_t position_ = 0, end_ = 0;
  std::exception_ptr failure_;
};

}  // namespace stratoscope
