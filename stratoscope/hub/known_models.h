// The models that a beginner asks for first: what the hub calls them, and how large they are.
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
// By either name; null for any other.
const KnownModel* known_model(std::string_view name);

// "548 MB", "1.52 GB": three digits, units of a thousand.
std::string size_text(std::uint64_t bytes);

// "'stratoscope pull gpt2' gets it (548 MB), and so does --pull here", for a name that the hub can have; else empty. A
// hint for an Error.
std::string how_to_get(const std::string& name);

}  // namespace stratoscope
