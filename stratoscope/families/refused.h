// Kinds of models that are known and not implemented, by what config.json's model_type contains.
#pragma once

#include <optional>
#include <string_view>

namespace stratoscope {

// What such a model has that is not implemented, and what can be done instead.
struct RefusedKind {
  std::string_view what, instead;
};

std::optional<RefusedKind> refused_kind(std::string_view model_type);

}  // namespace stratoscope
