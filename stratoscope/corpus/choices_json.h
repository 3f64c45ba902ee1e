// One text with its continuations as JSON, in a file or in the body of a request.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "stratoscope/corpus/choices.h"

namespace stratoscope {

// `source` names the object in errors: "test.jsonl, line 3". Throws Error as read_choices() does.
ChoiceItem choice_item_of(const nlohmann::json& object, const std::string& source);

}  // namespace stratoscope
