#include "stratoscope/ops/panel_product.h"

#include <algorithm>
#include <cstdint>

#include "stratoscope/base/threads.h"
#include "stratoscope/tensor/bfloat16.h"

namespace stratoscope {
namespace {

// A long sum in float32 loses digits as it grows, so the inner dimension is summed in parts, each from zero: for 768
// numbers that halves the error.
constexpr std::size_t kMostParts = 6;

constexpr std::size_t kPieceNumbers = std::size_t{1} << 19;  // that are read at once

constexpr std::size_t kMostPanels = 8;  // that use a block of x before the next part

std::size_t divided_up(std::size_t n, std::size_t by) { return (n + by - 1) / by; }
std::size_t up_to_multiple(std::size_t n, std::size_t of) { return divided_up(n, of) * of; }

// Calls store(place, weight) for `group` panels at a time, line by line; zeros if weight(i, column) does not exist.
template <class Store, class Weight>
void pack_panels(const PlainWeights& plain, const PanelKernels& kernels, std::size_t group, const Store& store,
                 const Weight& weight) {
  const std::size_t width = kernels.panel_width, together = kernels.neighbours;
  const std::size_t inner = up_to_multiple(plain.in, kernels.inner_step), columns = up_to_multiple(plain.out, width);
  for (std::size_t begin = 0; begin < columns; begin += group * width)
    for (std::size_t i = 0; i < inner; ++i)
      for (std::size_t column = begin; column < std::min(begin + group * width, columns); column += width) {
        const std::size_t to = column * inner + i / together * together * width + i % together;
        const std::size_t count = i < plain.in ? std::min(width, plain.out - column) : 0;
        for (std::size_t c = 0; c < count; ++c) store(to + c * together, weight(i, column + c));
        for (std::size_t c = count; c < width; ++c) store(to + c * together, 0.0F);
      }
}

template <class Store>
void pack_panels(const PlainWeights& plain, const PanelKernels& kernels, const Store& store) {
  const auto [data, in, out, layout, bias] = plain;
  if (layout == WeightLayout::out_in) {
    const auto weight = [data = data, in = in](std::size_t i, std::size_t column) { return data[column * in + i]; };
    return pack_panels(plain, kernels, 1, store, weight);
  }
  constexpr std::size_t kNeighbours = 8;  // the number of values of each row that are read at once
  const auto weight = [data = data, out = out](std::size_t i, std::size_t column) { return data[i * out + column]; };
  pack_panels(plain, kernels, kNeighbours, store, weight);
}

}  // namespace

PanelProduct::PanelProduct(std::size_t in, std::size_t out, const float* bias, const PanelKernels& kernels)
    : kernels_(kernels),
      in_(in),
      inner_(up_to_multiple(in_, kernels.inner_step)),
      out_(out),
      part_(up_to_multiple(std::clamp(divided_up(in_, kMostParts), kernels.shortest_part, kernels.longest_part),
                           kernels.inner_step)),
      bias_(Tensor::zeros({up_to_multiple(out_, kernels.panel_width)})),
      weights_({bias_.size() * inner_ * kernels.weight_bytes}) {
  if (bias != nullptr) std::copy_n(bias, out_, bias_.data());
}

PanelProduct::PanelProduct(const PlainWeights& weights, const PanelKernels& kernels)
    : PanelProduct(weights.in, weights.out, weights.bias, kernels) {
  pack(weights, 0);
}

PanelProduct::PanelProduct(const WeightColumns& columns, std::size_t in, std::size_t out, const float* bias,
                           const PanelKernels& kernels)
    : PanelProduct(in, out, bias, kernels) {
  const std::size_t panels = std::max<std::size_t>(kPieceNumbers / (inner_ * kernels.panel_width), 1);
  const std::size_t most = std::min(panels * kernels.panel_width, out);
  Tensor piece({most * in});
  for (std::size_t first = 0; first < out; first += most) {
    const std::size_t count = std::min(most, out - first);
    columns(first, count, piece.data());
    pack({piece.data(), in, count, WeightLayout::out_in, nullptr}, first);
  }
}

void PanelProduct::pack(const PlainWeights& weights, std::size_t first_column) {
  const std::size_t before = first_column * inner_;
  if (kernels_.weight_bytes == sizeof(float)) {
    float* const whole = reinterpret_cast<float*>(weights_.data()) + before;
    return pack_panels(weights, kernels_, [&](std::size_t to, float w) { whole[to] = w; });
  }
  std::uint16_t* const half = reinterpret_cast<std::uint16_t*>(weights_.data()) + before;
  pack_panels(weights, kernels_, [&](std::size_t to, float w) { half[to] = rounded_to_bfloat16(w); });
}

void PanelProduct::multiply(MatrixView<const float> x, MatrixView<float> y) const {
  const BasicTensor<std::byte> laid_out_x = laid_out(x);
  const std::size_t panels = bias_.size() / kernels_.panel_width;
  const std::size_t row_blocks = divided_up(x.rows, kernels_.block_rows);
  // small enough that threads end at about the same time; sums do not depend on it
  const std::size_t wanted = 3 * static_cast<std::size_t>(threads_in_scope());
  const std::size_t group = std::clamp<std::size_t>(panels * row_blocks / wanted, 1, kMostPanels);
  parallel_for(row_blocks * divided_up(panels, group), [&](std::size_t task) {
    const std::size_t first_row = task % row_blocks * kernels_.block_rows, first_panel = task / row_blocks * group;
    multiply_block(laid_out_x, x.rows, first_row, first_panel, std::min(group, panels - first_panel), y);
  });
}

// x in the layout for multiplication: part by part, and tile by tile in each.
BasicTensor<std::byte> PanelProduct::laid_out(MatrixView<const float> x) const {
  const std::size_t height = kernels_.tile_rows;
  BasicTensor<std::byte> to({x_before(up_to_multiple(in_, part_), x.rows, 0)});
  parallel_for(divided_up(x.rows, height), [&](std::size_t tile) {
    const std::size_t row = tile * height;
    const auto rows = x.rows_from(row, std::min(height, x.rows - row));
    for (std::size_t first = 0; first < in_; first += part_)
      kernels_.lay_out(rows.cols_from(first, std::min(part_, in_ - first)), to.data() + x_before(first, x.rows, row));
  });
  return to;
}

void PanelProduct::multiply_block(const BasicTensor<std::byte>& laid_out_x, std::size_t all_rows, std::size_t first_row,
                                  std::size_t first_panel, std::size_t panels, MatrixView<float> y) const {
  const std::size_t width = kernels_.panel_width, rows = std::min(kernels_.block_rows, all_rows - first_row);
  const std::size_t column = first_panel * width, columns = panels * width;
  // sums of parts stay in the caches, with the rows of each panel together, and y is written once
  thread_local Tensor scratch;
  if (inner_ > part_ && scratch.size() < rows * columns) scratch = Tensor({kernels_.block_rows * columns});
  const PanelColumns<float> sums{scratch.data(), width, rows * width},
      block{y.row(first_row) + column, y.stride, width};
  const PanelColumns<const float> bias{bias_.data() + column, 0, width};
  for (std::size_t first = 0; first < inner_; first += part_) {
    const bool begins = first == 0, ends = first + part_ >= inner_;
    kernels_.multiply({laid_out_x.data() + x_before(first, all_rows, first_row), part_ * kernels_.x_bytes, rows,
                       weights_.data() + (column * inner_ + first * width) * kernels_.weight_bytes,
                       inner_ * width * kernels_.weight_bytes, panels, std::min(part_, inner_ - first),
                       begins ? bias : sums.constant(), ends ? block : sums, std::min(columns, out_ - column)});
  }
}

}  // namespace stratoscope
