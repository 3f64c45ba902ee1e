// Rotary position embedding (Su et al. 2021), and its scalings for long texts.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

enum class RotaryScalingKind {
  none,
  linear,    // every pair rotates `factor` times slower
  dynamic,   // a larger base for texts that are longer than max_context
  llama3,    // pairs with few turns within the original context rotate `factor` times slower
  yarn,      // YaRN (Peng et al. 2023)
  longrope,  // LongRoPE (Ding et al. 2024): a divisor for each pair, one set for short and one for long texts
};

struct RotaryScaling {
  RotaryScalingKind kind = RotaryScalingKind::none;
  double factor = 1;
  double original_context = 0;           // the context, in tokens, of the original training
  double max_context = 0;                // dynamic: the longest text with the plain base
  double low_turns = 0, high_turns = 0;  // llama3, yarn: of a pair within the original context, full scaling and none
  bool whole_pairs = true;               // yarn: the border between pairs is rounded
  double magnitude = 1;                  // yarn, longrope: cosines and sines are multiplied by this
  std::vector<double> short_divisors = {}, long_divisors = {};  // longrope

  bool operator==(const RotaryScaling&) const = default;
};

// Of the first `dims` numbers of each head, an even number; 0: none. Pair j rotates by base^(-2j / dims) for each
// position, before scaling.
struct Rotary {
  std::size_t dims = 0;
  bool interleaved = false;  // pairs (2j, 2j + 1), otherwise (j, j + dims / 2)
  double base = 10000;
  RotaryScaling scaling = {};

  bool operator==(const Rotary&) const = default;
};

// The angles, in radians, by which each pair rotates per position, in a text of `length` tokens: dims / 2 of them.
std::vector<double> turns_of(const Rotary& rotary, std::size_t length);

// The length after which turns_of changes, so that keys of shorter texts become invalid; nullopt if there is none.
std::optional<std::size_t> turns_change_after(const Rotary& rotary);
// Whether texts of these lengths have equal angles.
bool turns_alike(const Rotary& rotary, std::size_t length, std::size_t other);

}  // namespace stratoscope
