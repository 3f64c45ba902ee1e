#include "stratoscope/ops/panel_product.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "stratoscope/base/threads.h"
#include "stratoscope/tensor/bfloat16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/panel_product.cpp"
// This file is compiled once per instruction set; the order of these headers matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "stratoscope/ops/unrolled_inl.h"
// clang-format on

#ifndef STRATOSCOPE_PANEL_PIECE
#define STRATOSCOPE_PANEL_PIECE
namespace stratoscope {

// Rows of x by neighbouring panels, in one part of the inner dimension: to = from + x w.
struct PanelPiece {
  const float* x;        // of the part, tile by tile: [depth, rows of the tile]
  std::size_t rows, in;  // in: the whole inner dimension
  std::size_t depth;     // of the part
  std::size_t panels;
  MatrixView<const float> from;  // as wide as the panels; the bias is a row with stride 0
  MatrixView<float> to;          // the last panel may be cut; may be `from`
};

// The first panel of weights, as it is stored; the next one begins `in` rows on.
struct PanelWeights {
  const float* whole;         // [depth, width], or null and
  const std::uint16_t* half;  // bfloat16
};

// What one instruction set has.
struct PanelKernels {
  std::size_t tile_rows, panel_width;
  // The columns of at most tile_rows rows, one after another.
  void (*transpose)(MatrixView<const float> rows, float* to);
  void (*multiply_panels)(const PanelPiece&, const PanelWeights&);
};

// A long sum in float32 loses digits as it grows, so the inner dimension is summed in parts, each from zero: for 768
// numbers that halves the error.
constexpr std::size_t kMostParts = 6, kShortestPart = 64, kLongestPart = 256;

}  // namespace stratoscope
#endif

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// With two vectors for each row these fill 16 or 32 registers: sums, two loads, one broadcast.
constexpr std::size_t kTileRows = HWY_TARGET <= HWY_AVX3 ? 12 : 6;

constexpr std::size_t kLineBytes = 64, kLinesAhead = 16;

std::size_t panel_width() { return 2 * hn::Lanes(hn::ScalableTag<float>()); }

template <class D>
hn::Vec<D> weights_at(D d, const float* w) {
  return hn::LoadU(d, w);
}

template <class D>
hn::Vec<D> weights_at(D d, const std::uint16_t* bfloat16) {
  const hn::Rebind<std::uint32_t, D> bits;
  const hn::Rebind<std::uint16_t, D> half;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(bits, hn::LoadU(half, bfloat16))));
}

// Rows of x by `depth` rows of neighbouring panels. Numbers alone: views among them would be copied in pieces wider
// than they were written, which waits until all sums of the tile before are in the cache.
template <class Weight>
struct TileWork {
  const float* x;
  const Weight* w;
  std::size_t next;  // numbers from one panel to the next
  std::size_t depth;
  const float* from;
  std::size_t from_stride;
  float* to;
  std::size_t to_stride;
  const char* ahead;  // weights that come next: asked for bit by bit, so that they arrive while others are multiplied
  std::size_t step;   // bytes of them for each row of weights
};

// R rows of x by P panels; for each row of weights so many lines are asked for, of each panel.
template <std::size_t R, std::size_t P, std::size_t Lines, class Weight>
void tile(const TileWork<Weight>& work) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d), next = work.next, depth = work.depth, step = work.step;
  const float* x = work.x;
  const Weight* w = work.w;
  const char* ahead = work.ahead;
  const float* const from = work.from;
  float* const to = work.to;
  const std::size_t from_stride = work.from_stride, to_stride = work.to_stride;
  Vector sums[R * 2 * P];
  for (std::size_t r = 0; r < R; ++r) {
    float* const row = to + r * to_stride;
    for (std::size_t at = 0; at < 2 * P * lanes; at += kLineBytes / sizeof(float)) __builtin_prefetch(row + at, 1);
    __builtin_prefetch(row + 2 * P * lanes - 1, 1);
  }
  unrolled<R * 2 * P>([&](auto i) HWY_ATTR { sums[i] = hn::Zero(d); });
  for (std::size_t i = 0; i < depth; ++i) {
    Vector column[2 * P];
    unrolled<2 * P>([&](auto v) HWY_ATTR { column[v] = weights_at(d, w + v / 2 * next + v % 2 * lanes); });
    for (std::size_t p = 0; p < P; ++p)
      for (std::size_t line = 0; line < Lines; ++line)
        __builtin_prefetch(ahead + p * next * sizeof(Weight) + line * kLineBytes);
    unrolled<R>([&](auto r) HWY_ATTR {
      const auto broadcast = hn::Set(d, x[r]);
      unrolled<2 * P>([&](auto v) HWY_ATTR {
        constexpr std::size_t kSum = r * 2 * P + v;
        sums[kSum] = hn::MulAdd(broadcast, column[v], sums[kSum]);
      });
    });
    w += 2 * lanes;
    x += R;
    ahead += step;
  }
  unrolled<R * 2 * P>([&](auto i) HWY_ATTR {
    constexpr std::size_t kRow = i / (2 * P), kVector = i % (2 * P);
    hn::StoreU(hn::Add(hn::LoadU(d, from + kRow * from_stride + kVector * lanes), sums[i]), d,
               to + kRow * to_stride + kVector * lanes);
  });
}

template <class Weight>
using Tile = void (*)(const TileWork<Weight>&);

template <std::size_t Lines, class Weight, std::size_t... R>
constexpr std::array<Tile<Weight>, sizeof...(R)> tiles_of(std::index_sequence<R...> /*rows*/) {
  return {tile<R + 1, 1, Lines, Weight>...};
}

// The last tiles ask for `following`, as many weights as w has: enough tiles that memory keeps up, and few enough that
// the first cache holds both.
template <class Weight, class Stored>
void multiply_panel(const PanelPiece& piece, std::size_t panel, const Weight* w, const Stored* following) {
  static constexpr auto kTiles = tiles_of<1, Weight>(std::make_index_sequence<kTileRows>());
  static constexpr auto kLoneTiles = tiles_of<2, Weight>(std::make_index_sequence<kTileRows>());
  constexpr std::size_t kMostAsking = 8;
  const std::size_t width = panel_width(), tiles = (piece.rows + kTileRows - 1) / kTileRows;
  const std::size_t asking = std::min(tiles, kMostAsking);
  const std::size_t step = (width * sizeof(Stored) + asking - 1) / asking;
  const char* const begin = reinterpret_cast<const char*>(following);
  const std::size_t column = panel * width, columns = std::min(width, piece.to.cols - column);
  const auto& kernels = step > kLineBytes ? kLoneTiles : kTiles;
  for (std::size_t t = 0; t < tiles; ++t) {
    const std::size_t row = t * kTileRows, count = std::min(kTileRows, piece.rows - row);
    const bool asks = t + asking >= tiles;
    TileWork<Weight> work{piece.x + row * piece.depth,
                          w,
                          0,
                          piece.depth,
                          piece.from.row(row) + column,
                          piece.from.stride,
                          piece.to.row(row) + column,
                          piece.to.stride,
                          asks ? begin + (t + asking - tiles) * step * piece.depth : begin,
                          asks ? step : 0};
    if (columns == width) {
      kernels[count - 1](work);
      continue;
    }
    HWY_ALIGN float narrow[kTileRows * 2 * hn::MaxLanes(hn::ScalableTag<float>())];
    work.to = narrow;
    work.to_stride = width;
    kernels[count - 1](work);
    for (std::size_t r = 0; r < count; ++r) std::copy_n(narrow + r * width, columns, piece.to.row(row + r) + column);
  }
}

// Few rows leave the processor waiting for each sum's last addition, unless they meet several panels at once. Returns
// how many whole panels were done.
template <class Weight>
std::size_t multiply_few_rows(const PanelPiece& piece, const Weight* w) {
  constexpr std::size_t kPanels[] = {0, 4, 3, 2};
  if (piece.rows >= std::size(kPanels)) return 0;
  constexpr Tile<Weight> kTiles[] = {nullptr, tile<1, kPanels[1], 2, Weight>, tile<2, kPanels[2], 2, Weight>,
                                     tile<3, kPanels[3], 2, Weight>};
  const std::size_t width = panel_width(), at_once = kPanels[piece.rows], next = piece.in * width;
  const std::size_t step = width * sizeof(Weight);
  std::size_t done = 0;
  for (; (done + at_once) * width <= piece.to.cols; done += at_once) {
    const Weight* const panel = w + done * next;
    kTiles[piece.rows]({piece.x, panel, next, piece.depth, piece.from.data + done * width, piece.from.stride,
                        piece.to.data + done * width, piece.to.stride,
                        reinterpret_cast<const char*>(panel) + kLinesAhead * kLineBytes, step});
  }
  return done;
}

void multiply_panels(const PanelPiece& piece, const PanelWeights& weights) {
  const std::size_t width = panel_width(), next = piece.in * width;
  // Behind the last panel comes the next part of the first one.
  const auto following = [&](const auto* w, std::size_t p) {
    return p + 1 < piece.panels ? w + (p + 1) * next : w + piece.depth * width;
  };
  if (weights.whole != nullptr) {
    for (std::size_t p = multiply_few_rows(piece, weights.whole); p < piece.panels; ++p)
      multiply_panel(piece, p, weights.whole + p * next, following(weights.whole, p));
    return;
  }
  std::size_t p = multiply_few_rows(piece, weights.half);
  const hn::ScalableTag<float> d;
  for (; p < piece.panels; ++p) {
    const std::uint16_t *const half = weights.half + p * next, *const then = following(weights.half, p);
    if (piece.rows <= kTileRows) {
      multiply_panel(piece, p, half, then);
      continue;
    }
    // For several tiles they are widened once, into the first cache.
    HWY_ALIGN float widened[kLongestPart * 2 * hn::MaxLanes(d)];
    for (std::size_t i = 0; i < piece.depth * width; i += hn::Lanes(d))
      hn::Store(weights_at(d, half + i), d, widened + i);
    multiply_panel(piece, p, static_cast<const float*>(widened), then);
  }
}

// Four rows, but for the last few columns. Returns how many were done.
std::size_t transpose_four(MatrixView<const float> rows, std::size_t first, float* to) {
#if HWY_TARGET == HWY_SCALAR
  return static_cast<void>(rows), static_cast<void>(first), static_cast<void>(to), 0;
#else
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<std::uint64_t, 2> pairs;
  std::size_t c = 0;
  for (; c + 4 <= rows.cols; c += 4) {
    const auto row = [&](std::size_t r) HWY_ATTR { return hn::LoadU(d, rows.row(first + r) + c); };
    const auto lower01 = hn::BitCast(pairs, hn::InterleaveLower(d, row(0), row(1)));
    const auto upper01 = hn::BitCast(pairs, hn::InterleaveUpper(d, row(0), row(1)));
    const auto lower23 = hn::BitCast(pairs, hn::InterleaveLower(d, row(2), row(3)));
    const auto upper23 = hn::BitCast(pairs, hn::InterleaveUpper(d, row(2), row(3)));
    float* const at = to + c * rows.rows + first;
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, lower01, lower23)), d, at);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, lower01, lower23)), d, at + rows.rows);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, upper01, upper23)), d, at + 2 * rows.rows);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, upper01, upper23)), d, at + 3 * rows.rows);
  }
  return c;
#endif
}

void transpose(MatrixView<const float> rows, float* to) {
  for (std::size_t first = 0; first < rows.rows; first += 4) {
    const std::size_t count = std::min<std::size_t>(4, rows.rows - first);
    for (std::size_t c = count == 4 ? transpose_four(rows, first, to) : 0; c < rows.cols; ++c)
      for (std::size_t r = first; r < first + count; ++r) to[c * rows.rows + r] = rows.row(r)[c];
  }
}

PanelKernels panel_kernels() { return {kTileRows, panel_width(), transpose, multiply_panels}; }

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(panel_kernels);

namespace {

constexpr std::size_t kBlockRows = 144;  // rows of x whose part stays in the second cache
constexpr std::size_t kMostPanels = 8;   // panels that use it before the next part

std::size_t up_to_multiple(std::size_t n, std::size_t of) { return (n + of - 1) / of * of; }

float nearest_bfloat16(float x) { return widened(rounded_to_bfloat16(x)); }

class PanelProduct : public Product {
 public:
  PanelProduct(const PlainWeights& weights, Arithmetic arithmetic)
      : arithmetic_(arithmetic),
        in_(weights.in),
        out_(weights.out),
        part_(std::clamp((in_ + kMostParts - 1) / kMostParts, kShortestPart, kLongestPart)),
        kernels_(HWY_DYNAMIC_DISPATCH(panel_kernels)()),
        width_(kernels_.panel_width),
        bias_(Tensor::zeros({up_to_multiple(out_, width_)})) {
    if (weights.bias != nullptr) std::copy_n(weights.bias, out_, bias_.data());
    const std::size_t size = bias_.size() * in_;
    if (arithmetic == Arithmetic::fp32) {
      whole_ = Tensor({size});
      pack(weights, [&](std::size_t to, float w) { whole_.data()[to] = w; });
      return;
    }
    half_ = BasicTensor<std::uint16_t>({size});
    pack(weights, [&](std::size_t to, float w) { half_.data()[to] = rounded_to_bfloat16(w); });
  }

  std::size_t bytes() const override {
    return (whole_.size() + bias_.size()) * sizeof(float) + half_.size() * sizeof(std::uint16_t);
  }

  void multiply(MatrixView<const float> x, MatrixView<float> y) const override {
    const Tensor tiles = in_tiles(x);
    const std::size_t panels = bias_.size() / width_, row_blocks = (x.rows + kBlockRows - 1) / kBlockRows;
    // Small enough that threads end together; no sum knows of it.
    const std::size_t wanted = 3 * static_cast<std::size_t>(threads_in_scope());
    const std::size_t group = std::clamp<std::size_t>(panels * row_blocks / wanted, 1, kMostPanels);
    const std::size_t groups = (panels + group - 1) / group;
    parallel_for(row_blocks * groups, [&](std::size_t task) {
      const std::size_t first_row = task % row_blocks * kBlockRows, first_panel = task / row_blocks * group;
      multiply_block(tiles, x.rows, first_row, std::min(kBlockRows, x.rows - first_row), first_panel,
                     std::min(group, panels - first_panel), y);
    });
  }

 private:
  // The weights in panels, zeros after the last: store(place, weight).
  template <class Store>
  void pack(const PlainWeights& weights, const Store& store) const {
    if (weights.layout == WeightLayout::out_in)
      return pack_groups(1, store, [&](std::size_t i, std::size_t column) { return weights.data[column * in_ + i]; });
    constexpr std::size_t kNeighbours = 8;  // so much of each row is read at once
    pack_groups(kNeighbours, store, [&](std::size_t i, std::size_t column) { return weights.data[i * out_ + column]; });
  }

  // So many panels at a time, line by line.
  template <class Store, class Weight>
  void pack_groups(std::size_t group, const Store& store, const Weight& weight) const {
    for (std::size_t begin = 0; begin < bias_.size(); begin += group * width_)
      for (std::size_t i = 0; i < in_; ++i)
        for (std::size_t column = begin; column < std::min(begin + group * width_, bias_.size()); column += width_) {
          const std::size_t to = column * in_ + i * width_, count = std::min(width_, out_ - column);
          for (std::size_t c = 0; c < count; ++c) store(to + c, weight(i, column + c));
          for (std::size_t c = count; c < width_; ++c) store(to + c, 0.0F);
        }
  }

  // x as it is multiplied: part by part, and tile by tile in each.
  Tensor in_tiles(MatrixView<const float> x) const {
    const std::size_t height = kernels_.tile_rows;
    Tensor tiles({x.rows, in_});
    parallel_for((x.rows + height - 1) / height, [&](std::size_t tile) {
      const std::size_t row = tile * height;
      const auto rows = x.rows_from(row, std::min(height, x.rows - row));
      for (std::size_t first = 0; first < in_; first += part_) {
        const std::size_t depth = std::min(part_, in_ - first);
        float* const to = tiles.data() + first * x.rows + row * depth;
        kernels_.transpose(rows.cols_from(first, depth), to);
        if (arithmetic_ == Arithmetic::bf16) std::transform(to, to + rows.rows * depth, to, nearest_bfloat16);
      }
    });
    return tiles;
  }

  void multiply_block(const Tensor& tiles, std::size_t all_rows, std::size_t first_row, std::size_t rows,
                      std::size_t first_panel, std::size_t panels, MatrixView<float> y) const {
    const std::size_t column = first_panel * width_, columns = panels * width_;
    const MatrixView<float> block = y.rows_from(first_row, rows).cols_from(column, std::min(columns, out_ - column));
    // Sums of parts stay close to the processor: y is written once.
    const MatrixView<const float> bias{bias_.data() + column, rows, columns, 0};
    thread_local Tensor scratch;
    if (in_ > part_ && scratch.size() < rows * columns) scratch = Tensor({kBlockRows * columns});
    const MatrixView<float> sums{scratch.data(), rows, columns};
    for (std::size_t first = 0; first < in_; first += part_) {
      const bool begins = first == 0, ends = first + part_ >= in_;
      const std::size_t depth = std::min(part_, in_ - first);
      const PanelPiece piece{tiles.data() + first * all_rows + first_row * depth,
                             rows,
                             in_,
                             depth,
                             panels,
                             begins ? bias : MatrixView<const float>(sums),
                             ends ? block : sums};
      const std::size_t at = column * in_ + first * width_;
      const bool whole = arithmetic_ == Arithmetic::fp32;
      kernels_.multiply_panels(piece, {whole ? whole_.data() + at : nullptr, whole ? nullptr : half_.data() + at});
    }
  }

  Arithmetic arithmetic_;
  std::size_t in_, out_;
  std::size_t part_;  // of the inner dimension, summed from zero
  PanelKernels kernels_;
  std::size_t width_;
  Tensor bias_;                      // padded to whole panels
  Tensor whole_;                     // [panel, in, width], in float32
  BasicTensor<std::uint16_t> half_;  // the same in bfloat16
};

}  // namespace

std::unique_ptr<const Product> pack_in_panels(const PlainWeights& weights, Arithmetic arithmetic) {
  return std::make_unique<const PanelProduct>(weights, arithmetic);
}

}  // namespace stratoscope
#endif
