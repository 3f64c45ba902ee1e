#include "stratoscope/hub/fingerprint.h"

#include <xxhash.h>

#include <cstddef>
#include <memory>
#include <new>

namespace stratoscope {
namespace {

// XXH3 over data that are added piece by piece.
class Xxh3 {
 public:
  Xxh3() : state_(XXH3_createState(), XXH3_freeState) {
    if (state_ == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(state_.get());
  }
  void add(std::span<const std::byte> bytes) { XXH3_64bits_update(state_.get(), bytes.data(), bytes.size()); }
  void add(std::string_view text) { XXH3_64bits_update(state_.get(), text.data(), text.size()); }
  std::string hex() const {
    constexpr int kDigits = 16, kBitsPerDigit = 4;
    std::string text(kDigits, '0');
    XXH64_hash_t hash = XXH3_64bits_digest(state_.get());
    for (int i = kDigits - 1; i >= 0; --i, hash >>= kBitsPerDigit)
      text[static_cast<std::size_t>(i)] = "0123456789abcdef"[hash & 15];
    return text;
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

}  // namespace

std::string fingerprint_of(std::string_view config, std::span<const std::pair<std::string, StoredTensor>> tensors) {
  constexpr std::size_t kPiece = 4096, kPieces = 16;
  Xxh3 hash;
  hash.add(config);
  for (const auto& [name, tensor] : tensors) {
    hash.add(name + " " + tensor.type + " " + to_string(tensor.shape) + "\n");
    const std::size_t size = tensor.bytes.size();
    if (size <= kPiece * kPieces) {
      hash.add(tensor.bytes);
    } else {
      for (std::size_t i = 0; i < kPieces; ++i)
        hash.add(tensor.bytes.subspan((size - kPiece) / (kPieces - 1) * i, kPiece));
    }
  }
  return hash.hex();
}

}  // namespace stratoscope
