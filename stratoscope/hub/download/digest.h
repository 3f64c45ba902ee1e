// The hashes in the hub's names of files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace stratoscope {

// Whether an ETag of the hub is one of these hashes: SHA-256 of a large file (64 digits), or git's SHA-1 of a small one
// (40).
bool is_digest(std::string_view etag);

// Hashes a file while it is received, with the algorithm of the expected hash.
class Digest {
 public:
  // `size` is that of the whole file, with which git's hash begins.
  Digest(std::string_view expected, std::uint64_t size);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::span<const std::byte> bytes);
  // In lower-case hexadecimal digits. Call it once.
  std::string hex();
  const char* name() const;  // "sha256" or "git's sha1"

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stratoscope
