// Row-wise work in pieces that are large enough for a thread.
#pragma once

#include <algorithm>
#include <cstddef>

#include "stratoscope/base/threads.h"

namespace stratoscope {

// Calls body(row) for every row < rows; a row has about `cols` numbers of work.
template <class Body>
void for_row_blocks(std::size_t rows, std::size_t cols, const Body& body) {
  constexpr std::size_t kNumbersPerBlock = 16384;
  const std::size_t height = std::max<std::size_t>(1, kNumbersPerBlock / std::max<std::size_t>(1, cols));
  parallel_for((rows + height - 1) / height, [&](std::size_t block) {
    const std::size_t end = std::min(rows, (block + 1) * height);
    for (std::size_t row = block * height; row < end; ++row) body(row);
  });
}

}  // namespace stratoscope
