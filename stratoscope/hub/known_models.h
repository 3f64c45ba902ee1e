// Well-known models: their repositories and sizes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace stratoscope {

struct KnownModel {
  const char* name;        // "gpt2"
  const char* repository;  // "openai-community/gpt2"
  std::uint64_t bytes;     // of its weights
};

std::span<const KnownModel> known_models();
// By either name; null for another one.
const KnownModel* known_model(std::string_view name);

// "548 MB", "1.52 GB": three digits, decimal units.
std::string size_text(std::uint64_t bytes);

// A hint for an Error: "'stratoscope pull gpt2' gets it (548 MB), and so does --pull here" for a valid repository name;
// else empty.
std::string how_to_get(const std::string& name);

}  // namespace stratoscope
