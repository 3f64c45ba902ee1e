// Rotary position embedding as a config.json says it, in the spellings of transformers 4 and 5.
#pragma once

#include <cstddef>

#include "stratoscope/families/config_reader.h"
#include "stratoscope/families/rotary.h"

namespace stratoscope {

// How a family spells it, and what holds where its config.json says nothing.
struct RotaryKeys {
  const char* base_key = "rope_theta";
  double base = 10000;
  const char* fraction_key = "partial_rotary_factor";
  double fraction = 1;  // of a head's numbers that turn
  bool interleaved = false;
  const char* part = nullptr;        // the section of rope_parameters for some of the blocks
  bool is_always_longrope = false;   // whatever kind a scaling by divisors is called
  std::size_t original_context = 0;  // beside the scaling; 0: what the scaling says, or the longest text
};

// `d_head` numbers in a head, `max_context` tokens in the longest text. Throws Error for settings that make no sense,
// NotImplemented for kinds that are not implemented.
Rotary read_rotary(const ConfigReader& config, std::size_t d_head, std::size_t max_context,
                   const RotaryKeys& keys = {});
// The same of rope_parameters' keys.part alone: what blocks have that see a window. Elsewhere it is without scaling.
Rotary local_rotary(const ConfigReader& config, std::size_t d_head, std::size_t max_context, const RotaryKeys& keys);

}  // namespace stratoscope
