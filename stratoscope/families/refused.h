// Known kinds of models that are not implemented, by a part of config.json's model_type.
#pragma once

#include <optional>
#include <string_view>

namespace stratoscope {

// The feature of such a model that is not implemented, and an alternative.
struct RefusedKind {
  std::string_view what, instead;
};

std::optional<RefusedKind> refused_kind(std::string_view model_type);

}  // namespace stratoscope
