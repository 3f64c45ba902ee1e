// Functions that make documents. Public headers do not include this one, so that other programs need no JSON library.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "stratoscope/session/document.h"
#include "stratoscope/session/target.h"

namespace stratoscope {

using Json = nlohmann::ordered_json;

// A document with the common keys.
Json begin_document(const Session& session, const std::optional<Effect>& effect = std::nullopt,
                    const Text* text = nullptr);

// Adds {"expression", "hook_points"} of each match to the document's list "globs".
void add_globs(const std::vector<GlobMatch>& globs, Json& document);

// {"id", "token", "ids"}, and a list of them.
Json target_json(const Target& target);
Json targets_json(const std::vector<Target>& targets);

struct Document::Data {
  Json json;
};
const Json& json_of(const Document& document);

Document finish_document(Json json);
// The same document with "warnings" at its end; unchanged if there are none.
Document with_warnings(Document document, const std::vector<std::string>& warnings);

}  // namespace stratoscope
