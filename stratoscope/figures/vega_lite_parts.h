// Parts of a Vega-Lite specification that do not depend on a panel's axes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

using Json = nlohmann::ordered_json;

// Rounded to the digits of a single-precision number.
double seven_digits(double value);

// Plain text; `fallback` for an empty one.
std::string or_else(const std::string& text, const char* fallback);

// The tooltip of a number.
Json value_tip(const char* field, const std::string& name);

// The colour of the field `value`, without a legend.
Json scale_stops_of(const ColorScale& scale, Theme theme);
Json legend_of(const ColorScale& scale, const std::vector<Tick>& ticks);

// Of a coloured text: the backgrounds of the tokens that have a finite value, and the letters of all.
std::vector<Json> text_layers(const ColoredText& text, const PanelPlan& plan, Theme theme);

// The fonts and colours of the whole figure.
Json look_of(Theme theme);

}  // namespace stratoscope
