// An enum whose values have names, for fields of tests.
#pragma once

#include "stratoscope/base/choice.h"

namespace stratoscope::test {

enum class Shade { light, dark, none };
inline constexpr Choice<Shade> kShades[] = {{Shade::light, "light"}, {Shade::dark, "dark"}, {Shade::none, "none"}};
constexpr std::span<const Choice<Shade>> choices_of(Shade) { return kShades; }

}  // namespace stratoscope::test
