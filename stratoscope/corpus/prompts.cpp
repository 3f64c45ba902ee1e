#include "stratoscope/corpus/prompts.h"

#include <nlohmann/json.hpp>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/corpus/json_lines.h"
#include "stratoscope/corpus/prompt_json.h"

namespace stratoscope {
namespace {

class PromptReader {
 public:
  explicit PromptReader(const std::string& source) : source_(source) {}

  PromptLine read(const nlohmann::json& json) const {
    if (!json.is_object()) refuse("is not a JSON object");
    PromptLine prompt;
    for (const auto& [key, value] : json.items()) {
      if (key == "text") {
        prompt.text = text(key, value);
      } else if (key == "corrupt") {
        if (!value.is_null()) prompt.corrupt = text(key, value);
      } else if (key == "target" || key == "target_id") {
        for (const auto& one : value.is_array() ? value : nlohmann::json::array({value}))
          prompt.targets.push_back(key == "target" ? TargetChoice{text(key, one), std::nullopt} : id(one));
      } else {
        refuse("has an unknown key " + in_quotes(key), "keys are text, corrupt, target and target_id");
      }
    }
    if (!json.contains("text")) refuse("has no \"text\"");
    return prompt;
  }

 private:
  [[noreturn]] void refuse(const std::string& problem, const std::string& hint = {}) const {
    throw Error("prompts", source_ + " " + problem, hint);
  }
  std::string text(const std::string& key, const nlohmann::json& value) const {
    if (!value.is_string()) refuse("has a \"" + key + "\" that is not a string");
    return value.get<std::string>();
  }
  TargetChoice id(const nlohmann::json& value) const {
    if (!value.is_number_integer()) refuse("has a \"target_id\" that is not an integer");
    return {"", value.get<long>()};
  }
  const std::string& source_;
};

}  // namespace

PromptLine prompt_of(const nlohmann::json& object, const std::string& source) {
  return PromptReader(source).read(object);
}

std::vector<PromptLine> read_prompts(const std::filesystem::path& path) {
  std::vector<PromptLine> prompts;
  for_each_json_line(path, "prompts", "prompt", [&](const nlohmann::json& json, const std::string& place) {
    prompts.push_back(prompt_of(json, place));
  });
  return prompts;
}

}  // namespace stratoscope
