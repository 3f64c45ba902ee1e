#include "stratoscope/hub/known_models.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "stratoscope/hub/cache_layout.h"

namespace stratoscope {
namespace {

constexpr std::array<KnownModel, 5> kKnownModels = {{
    {"gpt2", "openai-community/gpt2", 548'105'171},
    {"gpt2-medium", "openai-community/gpt2-medium", 1'519'984'962},
    {"gpt2-large", "openai-community/gpt2-large", 3'247'159'078},
    {"gpt2-xl", "openai-community/gpt2-xl", 6'431'829'964},
    {"distilgpt2", "distilbert/distilgpt2", 352'824'413},
}};

}  // namespace

std::span<const KnownModel> known_models() { return kKnownModels; }

const KnownModel* known_model(std::string_view name) {
  const auto* const found = std::find_if(kKnownModels.begin(), kKnownModels.end(), [&](const KnownModel& model) {
    return name == model.name || name == model.repository;
  });
  return found == kKnownModels.end() ? nullptr : found;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 999.5 && unit + 1 < kUnits.size(); ++unit) size /= 1000;
  const int digits = unit == 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f %s", digits, size, kUnits[unit]);
  return text.data();
}

std::string how_to_get(const std::string& name) {
  const ModelName asked = split_model_name(name);
  if (!is_repository_name(asked.repository) || !is_revision(asked.revision)) return {};
  const KnownModel* const known = known_model(asked.repository);
  return "'stratoscope pull " + name + "' gets it" +
         (known != nullptr ? " (" + size_text(known->bytes) + ")" : " if the Hugging Face hub has it") +
         ", and so does --pull here";
}

}  // namespace stratoscope
