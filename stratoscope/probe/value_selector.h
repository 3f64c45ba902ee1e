// The selectors .top, .bottom and .random, which choose numbers of each row's last axis when the edit is applied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

struct ValueSelector {
  enum class Kind { top, bottom, random };

  Kind kind = Kind::top;
  double amount = 0;  // a number of entries, or with `percent` a share in (0, 100]
  bool percent = false;
  std::uint64_t seed = 0;  // of random

  bool operator==(const ValueSelector&) const = default;
  // The number of entries among `count`: a share is rounded, to at least 1. May exceed `count`.
  std::size_t among(std::size_t count) const;
};

// The `wanted` first of `indices` in the order of `before`, ascending. Equals go by their index.
std::vector<std::size_t> first_by(std::vector<std::size_t> indices, std::size_t wanted,
                                  const std::function<bool(std::size_t, std::size_t)>& before);

}  // namespace stratoscope
