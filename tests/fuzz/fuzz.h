// Shared parts of the fuzzers: libFuzzer gives each of them bytes; input must be refused with an Error, or keep
// the properties that are required of it.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "stratoscope/base/error.h"
#include "tests/base/temporary_folder.h"

namespace stratoscope::fuzz {

// Ends the process with the reason, unless it holds; libFuzzer then keeps the input.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "a property does not hold: %s\n", what);
  std::abort();
}

// The result of `read`, or nullopt if it throws an Error that fits on a terminal's line. Any other exception is
// a finding and ends the process.
template <class Read>
auto accepted(const Read& read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const Error& error) {
    const std::string_view text = error.what();
    for (const char c : text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
        require(false, ("an error is one line without control characters: " + std::string(text)).c_str());
    require(text.size() < 2000, ("an error is short: " + std::string(text)).c_str());
    return std::nullopt;
  }
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A file in memory that holds the input, for functions that read from a path.
class InputFile {
 public:
  explicit InputFile(std::string_view bytes) : fd_(::memfd_create("input", MFD_CLOEXEC)) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ::ssize_t count = ::write(fd_, bytes.data() + done, bytes.size() - done);
      if (count <= 0) std::abort();
      done += static_cast<std::size_t>(count);
    }
  }
  ~InputFile() { ::close(fd_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// A folder for written files, in memory if the system has such a folder: files are synced to it.
inline const testing::TemporaryFolder& folder() {
  static const testing::TemporaryFolder made = [] {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
    return testing::TemporaryFolder();
  }();
  return made;
}

// The input's two parts, if it has `separator`.
inline std::optional<std::pair<std::string_view, std::string_view>> halves(std::string_view input, char separator) {
  const std::size_t at = input.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  return std::pair(input.substr(0, at), input.substr(at + 1));
}

}  // namespace stratoscope::fuzz
