// Reads rotary position embeddings from a config.json, in the spellings of transformers 4 and 5.
#pragma once

#include <cstddef>

#include "stratoscope/families/config_reader.h"
#include "stratoscope/families/rotary.h"

namespace stratoscope {

// The family's spelling and its defaults.
struct RotaryKeys {
  const char* base_key = "rope_theta";
  double base = 10000;
  const char* fraction_key = "partial_rotary_factor";
  double fraction = 1;  // the share of a head's numbers that rotate
  bool interleaved = false;
  const char* part = nullptr;        // the section of rope_parameters for some of the blocks
  bool is_always_longrope = false;   // even if a scaling by divisors has another name
  std::size_t original_context = 0;  // beside the scaling; 0: that of the scaling, or max_context
};

// `d_head` numbers in a head, `max_context` tokens in the longest text. Throws Error for invalid settings,
// NotImplemented for kinds that are not implemented.
Rotary read_rotary(const ConfigReader& config, std::size_t d_head, std::size_t max_context,
                   const RotaryKeys& keys = {});
// The same for rope_parameters' section keys.part, for blocks with a window; without scaling if there is no such
// section.
Rotary local_rotary(const ConfigReader& config, std::size_t d_head, std::size_t max_context, const RotaryKeys& keys);

}  // namespace stratoscope
