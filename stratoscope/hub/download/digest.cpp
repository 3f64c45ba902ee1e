#include "stratoscope/hub/download/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <new>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

constexpr std::size_t kSha256Digits = 64, kSha1Digits = 40;

}  // namespace

bool is_digest(std::string_view etag) {
  return (etag.size() == kSha256Digits || etag.size() == kSha1Digits) &&
         std::all_of(etag.begin(), etag.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

struct Digest::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  bool is_sha256 = true;
};

Digest::Digest(std::string_view expected, std::uint64_t size) : state_(std::make_unique<State>()) {
  if (state_->context == nullptr) throw std::bad_alloc();
  state_->is_sha256 = expected.size() == kSha256Digits;
  const EVP_MD* const kind = state_->is_sha256 ? EVP_sha256() : EVP_sha1();
  if (EVP_DigestInit_ex(state_->context.get(), kind, nullptr) != 1)
    throw Error("pull", std::string(name()) + " is not allowed by this system's OpenSSL");
  if (state_->is_sha256) return;
  const std::string head = "blob " + std::to_string(size) + '\0';
  add(std::as_bytes(std::span(head)));
}

Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

const char* Digest::name() const { return state_->is_sha256 ? "sha256" : "git's sha1"; }

void Digest::add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

std::string Digest::hex() {
  constexpr const char* kHex = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += {kHex[digest[i] >> 4], kHex[digest[i] & 15]};
  return text;
}

}  // namespace stratoscope
