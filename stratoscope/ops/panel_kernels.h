// Kernels of packed products: one part of the inner dimension at a time, rows of x by panels of weights.
#pragma once

#include <cstddef>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// As many columns for each row as a panel has, and the same for the panels after it.
template <class T>
struct PanelColumns {
  T* data;
  std::size_t next_row, next_panel;  // distances in numbers

  T* at(std::size_t row, std::size_t panel) const { return data + row * next_row + panel * next_panel; }
  PanelColumns<const T> constant() const { return {data, next_row, next_panel}; }
};

// Rows of x by neighbouring panels, in one part of the inner dimension: to = from + x w.
struct PanelPiece {
  const std::byte* x;  // of the part, as the kernels' lay_out left it
  std::size_t x_row;   // bytes for each row: the tile that begins with row r is at x + r * x_row
  std::size_t rows;
  const std::byte* weights;  // of the part, in the first panel
  std::size_t next_panel;    // bytes from one panel to the next
  std::size_t panels;
  std::size_t depth;               // of the part: rows of weights
  PanelColumns<const float> from;  // the bias is one row, 0 from the next
  PanelColumns<float> to;          // may be `from`
  std::size_t columns;             // of `to`, in all panels: the last one may be cut
};

// How one instruction set multiplies, and what it wants to find in memory.
//
// A panel of weights is [inner / neighbours, panel_width, neighbours]: zeros fill it up where W has no column, and
// where `inner`, a multiple of inner_step, is more than W has. A number has weight_bytes, as float32 or bfloat16.
struct PanelKernels {
  std::size_t panel_width, neighbours, inner_step, weight_bytes;
  std::size_t x_bytes;                      // that lay_out writes for each number
  std::size_t tile_rows;                    // rows of x that are laid out together
  std::size_t block_rows;                   // whole tiles, whose part stays in the second cache
  std::size_t shortest_part, longest_part;  // of the inner dimension

  // At most tile_rows rows of one part, whose columns it fills up with zeros to a multiple of inner_step.
  void (*lay_out)(MatrixView<const float> rows, std::byte* to);
  void (*multiply)(const PanelPiece& piece);
};

// Of the instruction set that Highway chose: float32, and numbers that are rounded to bfloat16 and multiplied as
// float32.
PanelKernels float32_kernels();
PanelKernels widening_kernels();

}  // namespace stratoscope
