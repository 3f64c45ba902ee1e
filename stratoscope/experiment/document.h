// Results as JSON: every document begins with what it was made with.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "stratoscope/experiment/session.h"

namespace stratoscope {

using Json = nlohmann::ordered_json;

// {"version", "model": {"name", "hash"}, "precision", "isa"}, "effect": {"kl", "max_change"} where edits were made, and
// "notes" where a text was changed on its way in. Numbers that are not finite become null when a document is printed.
Json document(const Session& session, const std::optional<Effect>& effect = std::nullopt, const Text* text = nullptr);

bool has_nonfinite(const Json& json);

// One line for people: "effect of the edits: KL 0.0123 nats, largest change of a logit 1.5".
std::string describe(const Effect& effect);

}  // namespace stratoscope
