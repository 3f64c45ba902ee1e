// The named values of an enum, as users write them.
//   inline constexpr Choice<Metric> kMetrics[] = {{Metric::kl, "kl"}, …};
//   constexpr std::span<const Choice<Metric>> choices_of(Metric) { return kMetrics; }
#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// Throws Error: there is no `what` of this name; one of `names`.
[[noreturn]] void throw_unknown_choice(std::string_view name, const std::string& what, const std::string& names);

template <class E>
struct Choice {
  E value;
  std::string_view name;
};

template <class E>
concept HasChoices = std::is_enum_v<E> && requires(E value) {
  { choices_of(value) } -> std::same_as<std::span<const Choice<E>>>;
};

template <HasChoices E>
std::string_view choice_name(E value) {
  for (const Choice<E>& choice : choices_of(E{}))
    if (choice.value == value) return choice.name;
  return "";
}

template <HasChoices E>
std::vector<std::string> choice_names() {
  std::vector<std::string> names;
  for (const Choice<E>& choice : choices_of(E{})) names.emplace_back(choice.name);
  return names;
}

// `what` names the chosen thing ("metric"). Throws Error that lists the names.
template <HasChoices E>
E parse_choice(std::string_view name, const std::string& what) {
  std::string all;
  for (const Choice<E>& choice : choices_of(E{})) {
    if (choice.name == name) return choice.value;
    all += (all.empty() ? "" : ", ") + std::string(choice.name);
  }
  throw_unknown_choice(name, what, all);
}

}  // namespace stratoscope
