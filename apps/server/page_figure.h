// A figure of the page: panels of marks with numbers of its own.
#pragma once

#include <nlohmann/json.hpp>

#include "stratoscope/figures/figure.h"

namespace stratoscope::server {

// {"title", "note", "side_by_side", "color", "panels"}. Throws HttpError (400) for an invalid one.
Figure read_figure(const nlohmann::json& json);

}  // namespace stratoscope::server
