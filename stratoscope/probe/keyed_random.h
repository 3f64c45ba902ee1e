// Random numbers of a hook point's entries. They depend on the seed, the hook point's name, the position in the text,
// the head and the index alone, and are the same on every machine, since only exact integer operations and IEEE 754's
// + - * / and square root are used.
//
//   mix(z)        SplitMix64 (Steele, Lea and Flood, 2014): z += 0x9e3779b97f4a7c15; z = (z ^ z >> 30) *
//                 0xbf58476d1ce4e5b9; z = (z ^ z >> 27) * 0x94d049bb133111eb; z ^ z >> 31
//   name          FNV-1a of 64 bits, of the hook point's full name ("blocks.3.hook_resid_post")
//   row           mix(mix(mix(mix(seed) ^ name) ^ position) ^ head)
//   bits(i, n)    mix(mix(row ^ i) ^ n)
//   normal(i)     Marsaglia's polar method: u and v are 2^-52 * (bits >> 11) - 1 of n = 2t and 2t + 1, for the first
//                 t = 0, 1, … with 0 < s < 1, s = u² + v²; the result is u sqrt(-2 ln(s) / s)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stratoscope {

// Of one row: a position and a head. The head is 0 at points without heads.
class RowRandom {
 public:
  RowRandom(std::uint64_t seed, std::string_view hook_point, std::size_t position, std::size_t head);

  std::uint64_t bits(std::size_t index, std::uint64_t number) const;
  double normal(std::size_t index) const;  // mean 0, standard deviation 1

 private:
  std::uint64_t row_;
};

}  // namespace stratoscope
