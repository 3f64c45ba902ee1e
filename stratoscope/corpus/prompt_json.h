// One prompt as JSON, in a file of prompts or in the body of a request.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "stratoscope/corpus/prompts.h"

namespace stratoscope {

// `source` names the object in errors: "prompts.jsonl, line 3". Throws Error as read_prompts() does.
PromptLine prompt_of(const nlohmann::json& object, const std::string& source);

}  // namespace stratoscope
