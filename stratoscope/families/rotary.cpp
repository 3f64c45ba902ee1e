#include "stratoscope/families/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace stratoscope {
namespace {

// Between `slow` turns within the original context, with the whole factor, and `fast`, with none.
double llama3_turn(const RotaryScaling& scaling, double turn) {
  const double turns = scaling.original_context * turn / (2 * std::numbers::pi);
  const double plain = std::clamp((turns - scaling.low_turns) / (scaling.high_turns - scaling.low_turns), 0.0, 1.0);
  return (1 - plain) * turn / scaling.factor + plain * turn;
}

// The index of the pair, possibly fractional, with so many turns within the original context.
double pair_with_turns(const Rotary& rotary, double turns) {
  const double wave = rotary.scaling.original_context / (2 * std::numbers::pi * turns);
  return static_cast<double>(rotary.dims) * std::log(wave) / (2 * std::log(rotary.base));
}

void scale_by_yarn(const Rotary& rotary, std::vector<double>& turns) {
  const RotaryScaling& scaling = rotary.scaling;
  double first = pair_with_turns(rotary, scaling.high_turns), last = pair_with_turns(rotary, scaling.low_turns);
  if (scaling.whole_pairs) first = std::floor(first), last = std::ceil(last);
  const double end = static_cast<double>(rotary.dims) - 1;
  first = std::clamp(first, 0.0, end);
  last = std::clamp(last, 0.0, end);
  if (first == last) last += 0.001;
  for (std::size_t j = 0; j < turns.size(); ++j) {
    const double slowed = std::clamp((static_cast<double>(j) - first) / (last - first), 0.0, 1.0);
    turns[j] = slowed * turns[j] / scaling.factor + (1 - slowed) * turns[j];
  }
}

double dynamic_base(const Rotary& rotary, std::size_t length) {
  const double longest = rotary.scaling.max_context, dims = static_cast<double>(rotary.dims);
  const double tokens = std::max(static_cast<double>(length), longest);
  const double growth = rotary.scaling.factor * tokens / longest - (rotary.scaling.factor - 1);
  return rotary.base * std::pow(growth, dims / (dims - 2));
}

}  // namespace

std::vector<double> turns_of(const Rotary& rotary, std::size_t length) {
  const RotaryScaling& scaling = rotary.scaling;
  const double base = scaling.kind == RotaryScalingKind::dynamic ? dynamic_base(rotary, length) : rotary.base;
  std::vector<double> turns(rotary.dims / 2);
  for (std::size_t j = 0; j < turns.size(); ++j)
    turns[j] = std::pow(base, -2 * static_cast<double>(j) / static_cast<double>(rotary.dims));
  switch (scaling.kind) {
    case RotaryScalingKind::none:
    case RotaryScalingKind::dynamic: break;
    case RotaryScalingKind::linear:
      for (double& turn : turns) turn /= scaling.factor;
      break;
    case RotaryScalingKind::llama3:
      for (double& turn : turns) turn = llama3_turn(scaling, turn);
      break;
    case RotaryScalingKind::yarn: scale_by_yarn(rotary, turns); break;
    case RotaryScalingKind::longrope: {
      const bool is_long = static_cast<double>(length) > scaling.original_context;
      const auto& divisors = is_long ? scaling.long_divisors : scaling.short_divisors;
      for (std::size_t j = 0; j < turns.size(); ++j) turns[j] /= divisors[j];
      break;
    }
  }
  return turns;
}

std::optional<std::size_t> turns_change_after(const Rotary& rotary) {
  if (rotary.dims == 0) return std::nullopt;
  switch (rotary.scaling.kind) {
    case RotaryScalingKind::dynamic: return static_cast<std::size_t>(rotary.scaling.max_context);
    case RotaryScalingKind::longrope: return static_cast<std::size_t>(rotary.scaling.original_context);
    default: return std::nullopt;
  }
}

bool turns_alike(const Rotary& rotary, std::size_t length, std::size_t other) {
  const auto border = turns_change_after(rotary);
  if (!border || length == other) return true;
  const bool is_long = length > *border;
  return is_long == (other > *border) && (!is_long || rotary.scaling.kind == RotaryScalingKind::longrope);
}

}  // namespace stratoscope
