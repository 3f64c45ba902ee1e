// Texts with several continuations, as in HellaSwag (Zellers et al. 2019) and similar tests.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// {"text" or "ctx": …, "choices" or "endings": [… , …], "label": index of the right one}; the label may be absent,
// null, an empty text, or the number as a text.
struct ChoiceItem {
  std::string text = {};
  std::vector<std::string> choices = {};  // two or more
  std::optional<std::size_t> label = {};
};

// One JSON object per line; other keys are ignored. Throws Error with the line's number for other values, and for a
// file without lines.
std::vector<ChoiceItem> read_choices(const std::filesystem::path& path);

}  // namespace stratoscope
