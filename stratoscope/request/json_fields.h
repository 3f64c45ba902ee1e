// Requests as JSON: read from an object, and described by a schema.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "stratoscope/request/field.h"

namespace stratoscope {

// The limits of a body.
struct BodyLimits {
  std::size_t text_bytes = static_cast<std::size_t>(-1);
  std::size_t expression_bytes = static_cast<std::size_t>(-1);  // of an edit, an axis, a name
  std::size_t list_entries = static_cast<std::size_t>(-1);
  bool is_served = false;  // over HTTP: local fields are unknown, and numbers are bounded by most_served
};

// Reads every member into its field; null is the same as no member. Throws Error of "request" for a member without a
// field, of another type, or over a limit, and for a missing required field; for an expression that cannot be read the
// error of its grammar, in a list with the number of the entry: "edit 2".
void read_json(Fields& fields, const nlohmann::json& object, const BodyLimits& limits = {});

// {"type": "object", "properties": …, "required": …, "additionalProperties": false}
nlohmann::ordered_json schema_of(const Fields& fields, const BodyLimits& limits = {});

}  // namespace stratoscope
