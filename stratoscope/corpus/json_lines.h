// A file with one JSON object per line, read at once.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace stratoscope {

// Calls `use` with each line's value and its place, "prompts.jsonl, line 3"; empty lines are skipped. Throws Error with
// `who` as its `where` for a line that is not JSON and for a file without lines, in which `entry` is missing.
void for_each_json_line(const std::filesystem::path& path, const char* who, const char* entry,
                        const std::function<void(const nlohmann::json& json, const std::string& place)>& use);

}  // namespace stratoscope
