// libzip's output into an AtomicFile, so that an archive is created atomically too.
#pragma once

#include <zip.h>

#include <exception>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/progress.h"

namespace stratoscope {

class ZipOutput {
 public:
  // Writing throws Interrupted when cancelled.
  explicit ZipOutput(AtomicFile& file, const Progress* progress = nullptr) : file_(file), progress_(progress) {}
  // An empty archive. Closing it writes it into the file; the caller commits the file. Returns nullptr and sets *error
  // on failure. The archive must not outlive this object.
  zip_t* open(zip_error_t* error);
  // Throws the Error of the file, of which libzip knows only that there was one.
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
