// Kernels of packed products: one part of the inner dimension at a time, rows of x by panels of weights.
#pragma once

#include <cstddef>

#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// For each row as many columns as a panel has, and the same for the panels after it.
template <class T>
struct PanelColumns {
  T* data;
  std::size_t next_row, next_panel;  // distances in numbers

  T* at(std::size_t row, std::size_t panel) const { return data + row * next_row + panel * next_panel; }
  PanelColumns<const T> constant() const { return {data, next_row, next_panel}; }
};

// Rows of x times neighbouring panels, in one part of the inner dimension: to = from + x w.
struct PanelPiece {
  const std::byte* x;  // of the part, written by the kernels' lay_out
  std::size_t x_row;   // bytes for each row: the tile that begins with row r is at x + r * x_row
  std::size_t rows;
  const std::byte* weights;  // of the part, in the first panel
  std::size_t next_panel;    // bytes from one panel to the next
  std::size_t panels;
  std::size_t depth;               // of the part: rows of weights
  PanelColumns<const float> from;  // the bias is one row, with a next_row of 0
  PanelColumns<float> to;          // may be `from`
  std::size_t columns;             // of `to`, in all panels: the last one may have fewer columns
};

// The matrix kernels of one instruction set, and the layout of their inputs.
//
// A panel of weights is [inner / neighbours, panel_width, neighbours], padded with zeros for columns that W does not
// have, and for inner rows that it does not have, since `inner` is a multiple of inner_step. A number has weight_bytes,
// as float32 or bfloat16.
struct PanelKernels {
  std::size_t panel_width, neighbours, inner_step, weight_bytes;
  std::size_t x_bytes;                      // that lay_out writes for each number
  std::size_t tile_rows;                    // rows of x in one tile of the layout
  std::size_t block_rows;                   // whole tiles, whose part stays in the second-level cache
  std::size_t shortest_part, longest_part;  // of the inner dimension

  // For at most tile_rows rows of one part, whose columns are padded with zeros to a multiple of inner_step.
  void (*lay_out)(MatrixView<const float> rows, std::byte* to);
  void (*multiply)(const PanelPiece& piece);
};

// Those of the instruction set that Highway chose: float32, and numbers that are rounded to bfloat16 and multiplied as
// float32.
PanelKernels float32_kernels();
PanelKernels widening_kernels();

}  // namespace stratoscope
