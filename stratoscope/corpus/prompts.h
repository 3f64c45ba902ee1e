// A file of prompts: one JSON object a line.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/session/target.h"

namespace STRATOSCOPE_API stratoscope {

// {"text": …, "corrupt": …, "target": … or [… , …], "target_id": … or [… , …]}; all but the text may be absent.
struct PromptLine {
  std::string text = {};
  std::optional<std::string> corrupt = {};
  std::vector<TargetChoice> targets = {};
};

// Throws Error with the line's number for other values, other keys, and a file without lines.
std::vector<PromptLine> read_prompts(const std::filesystem::path& path);

}  // namespace stratoscope
