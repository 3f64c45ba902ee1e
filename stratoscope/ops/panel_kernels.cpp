#include "stratoscope/ops/panel_kernels.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "stratoscope/tensor/bfloat16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stratoscope/ops/panel_kernels.cpp"
// This file is compiled once per instruction set; the order of these headers matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "stratoscope/ops/unrolled_inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace stratoscope {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// With two vectors for each row these fill 16 or 32 registers: sums, two loads, one broadcast.
constexpr std::size_t kTileRows = HWY_TARGET <= HWY_AVX3 ? 12 : 6;

constexpr std::size_t kLineBytes = 64, kLinesAhead = 16, kPlaces = 4;
constexpr std::size_t kBlockRows = 144, kShortestPart = 64, kLongestPart = 256;

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

// Rows of x times `depth` rows of neighbouring panels. The members are plain numbers: views would be copied in wider
// pieces than they were written, and such a copy waits until the sums of the previous tile are in the cache.
template <class Weight>
struct TileWork {
  const float* x;
  const Weight* w;
  std::size_t next;  // numbers from one panel of weights to the next
  std::size_t depth;
  const float* from;
  std::size_t from_stride, from_next;  // numbers from one row to the next, and from one panel to the next
  float* to;
  std::size_t to_stride, to_next;
  // The next weights, prefetched in small pieces while others are multiplied, from several places in turn: from each
  // place the processor itself prefetches further lines, but not far, and not beyond a page of memory.
  const char* ahead;
  std::size_t place;  // bytes from one place to the next
  std::size_t step;   // bytes in each place for kPlaces rows of weights
};

// R rows of x times P panels; for each row of weights, this number of lines of each panel is prefetched.
template <std::size_t R, std::size_t P, std::size_t Lines, class Weight>
void tile(const TileWork<Weight>& work) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d), next = work.next, depth = work.depth, place = work.place, step = work.step;
  const float* x = work.x;
  const Weight* w = work.w;
  const char* ahead = work.ahead;
  const float* const from = work.from;
  float* const to = work.to;
  const std::size_t from_stride = work.from_stride, to_stride = work.to_stride;
  const std::size_t from_next = work.from_next, to_next = work.to_next;
  Vector sums[R * 2 * P];
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t p = 0; p < P; ++p) {
      float* const row = to + r * to_stride + p * to_next;
      for (std::size_t at = 0; at < 2 * lanes; at += kLineBytes / sizeof(float)) __builtin_prefetch(row + at, 1);
      __builtin_prefetch(row + 2 * lanes - 1, 1);
    }
  }
  unrolled<R * 2 * P>([&](auto i) KERNEL_LAMBDA { sums[i] = hn::Zero(d); });
  const auto take_in_row = [&](const float* of_x, const Weight* of_w) KERNEL_LAMBDA {
    Vector column[2 * P];
    unrolled<2 * P>([&](auto v) KERNEL_LAMBDA { column[v] = weights_at(d, of_w + v / 2 * next + v % 2 * lanes); });
    unrolled<R>([&](auto r) KERNEL_LAMBDA {
      const auto broadcast = hn::Set(d, of_x[r]);
      unrolled<2 * P>([&](auto v) KERNEL_LAMBDA {
        constexpr std::size_t kSum = r * 2 * P + v;
        sums[kSum] = hn::MulAdd(broadcast, column[v], sums[kSum]);
      });
    });
  };
  std::size_t done = 0;
  for (; done + kPlaces <= depth; done += kPlaces) {
    for (std::size_t row = 0; row < kPlaces; ++row) {
      for (std::size_t p = 0; p < P; ++p)
        for (std::size_t line = 0; line < Lines; ++line)
          __builtin_prefetch(ahead + row * place + p * next * sizeof(Weight) + line * kLineBytes);
      take_in_row(x, w);
      w += 2 * lanes;
      x += R;
    }
    ahead += step;
  }
  for (; done < depth; ++done, w += 2 * lanes, x += R) take_in_row(x, w);
  unrolled<R * 2 * P>([&](auto i) KERNEL_LAMBDA {
    constexpr std::size_t kRow = i / (2 * P), kPanel = i / 2 % P;
    const std::size_t vector = i % 2 * lanes;
    hn::StoreU(hn::Add(hn::LoadU(d, from + kRow * from_stride + kPanel * from_next + vector), sums[i]), d,
               to + kRow * to_stride + kPanel * to_next + vector);
  });
}

template <class Weight>
using Tile = void (*)(const TileWork<Weight>&);

template <std::size_t Lines, class Weight, std::size_t... R>
constexpr std::array<Tile<Weight>, sizeof...(R)> tiles_of(std::index_sequence<R...> /*rows*/) {
  return {tile<R + 1, 1, Lines, Weight>...};
}

// The last tiles prefetch `following`, as many weights as w has: enough tiles that memory is fast enough, and few
// enough that the first-level cache has room for both.
template <class Weight, class Stored>
void multiply_panel(const PanelPiece& piece, std::size_t panel, const Weight* w, const Stored* following) {
  static constexpr auto kTiles = tiles_of<1, Weight>(std::make_index_sequence<kTileRows>());
  static constexpr auto kLoneTiles = tiles_of<2, Weight>(std::make_index_sequence<kTileRows>());
  constexpr std::size_t kMostAsking = 8;
  const std::size_t width = panel_width(), tiles = (piece.rows + kTileRows - 1) / kTileRows;
  const std::size_t asking = std::min(tiles, kMostAsking);
  const std::size_t step = (width * sizeof(Stored) + asking - 1) / asking;
  const char* const begin = reinterpret_cast<const char*>(following);
  const std::size_t columns = std::min(width, piece.columns - panel * width);
  const auto& kernels = step > kLineBytes ? kLoneTiles : kTiles;
  for (std::size_t t = 0; t < tiles; ++t) {
    const std::size_t row = t * kTileRows, count = std::min(kTileRows, piece.rows - row);
    const bool asks = t + asking >= tiles;
    TileWork<Weight> work{reinterpret_cast<const float*>(piece.x + row * piece.x_row),
                          w,
                          0,
                          piece.depth,
                          piece.from.at(row, panel),
                          piece.from.next_row,
                          piece.from.next_panel,
                          piece.to.at(row, panel),
                          piece.to.next_row,
                          piece.to.next_panel,
                          asks ? begin + (t + asking - tiles) * step * (piece.depth / kPlaces) : begin,
                          piece.depth / kPlaces * width * sizeof(Stored),
                          asks ? step : 0};
    if (columns == width) {
      kernels[count - 1](work);
      continue;
    }
    HWY_ALIGN float narrow[kTileRows * 2 * hn::MaxLanes(hn::ScalableTag<float>())];
    work.to = narrow;
    work.to_stride = width;
    kernels[count - 1](work);
    for (std::size_t r = 0; r < count; ++r) std::copy_n(narrow + r * width, columns, piece.to.at(row + r, panel));
  }
}

// With few rows the processor would wait for the last addition of each sum, so that several panels are multiplied at
// once. Returns the number of multiplied whole panels.
template <class Weight>
std::size_t multiply_few_rows(const PanelPiece& piece) {
  constexpr std::size_t kPanels[] = {0, 4, 3, 2};
  if (piece.rows >= std::size(kPanels)) return 0;
  constexpr Tile<Weight> kTiles[] = {nullptr, tile<1, kPanels[1], 2, Weight>, tile<2, kPanels[2], 2, Weight>,
                                     tile<3, kPanels[3], 2, Weight>};
  const std::size_t width = panel_width(), at_once = kPanels[piece.rows];
  const std::size_t row_bytes = width * sizeof(Weight);
  std::size_t done = 0;
  for (; (done + at_once) * width <= piece.columns; done += at_once) {
    const std::byte* const panel = piece.weights + done * piece.next_panel;
    kTiles[piece.rows]({reinterpret_cast<const float*>(piece.x), reinterpret_cast<const Weight*>(panel),
                        piece.next_panel / sizeof(Weight), piece.depth, piece.from.at(0, done), piece.from.next_row,
                        piece.from.next_panel, piece.to.at(0, done), piece.to.next_row, piece.to.next_panel,
                        reinterpret_cast<const char*>(panel) + kLinesAhead * kLineBytes, row_bytes,
                        kPlaces * row_bytes});
  }
  return done;
}

template <class Weight>
void multiply_panels(const PanelPiece& piece) {
  const hn::ScalableTag<float> d;
  const std::size_t size = piece.depth * panel_width();
  for (std::size_t p = multiply_few_rows<Weight>(piece); p < piece.panels; ++p) {
    const auto* const w = reinterpret_cast<const Weight*>(piece.weights + p * piece.next_panel);
    // after the last panel the first one continues with its next part
    const Weight* const then = p + 1 < piece.panels ? w + piece.next_panel / sizeof(Weight)
                                                    : reinterpret_cast<const Weight*>(piece.weights) + size;
    if (std::is_same_v<Weight, float> || piece.rows <= kTileRows) {
      multiply_panel(piece, p, w, then);
      continue;
    }
    // for several tiles they are widened once, into the first-level cache
    HWY_ALIGN float widened[kLongestPart * 2 * hn::MaxLanes(d)];
    for (std::size_t i = 0; i < size; i += hn::Lanes(d)) hn::Store(weights_at(d, w + i), d, widened + i);
    multiply_panel(piece, p, static_cast<const float*>(widened), then);
  }
}

// Four rows, except for the last few columns. Returns the number of transposed columns.
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

void lay_out(MatrixView<const float> rows, std::byte* to) { transpose(rows, reinterpret_cast<float*>(to)); }

// Rounds like rounded_to_bfloat16, with a float32 result.
void round_to_bfloat16(float* numbers, std::size_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> bits;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto x = hn::LoadU(d, numbers + i);
    const auto plain = hn::BitCast(bits, x), odd = hn::And(hn::ShiftRight<16>(plain), hn::Set(bits, 1));
    const auto nearest = hn::Add(hn::Add(plain, hn::Set(bits, 0x7FFF)), odd);
    const auto quiet = hn::Or(plain, hn::Set(bits, 0x400000));
    const auto rounded = hn::IfThenElse(hn::RebindMask(bits, hn::IsNaN(x)), quiet, nearest);
    hn::StoreU(hn::BitCast(d, hn::And(rounded, hn::Set(bits, 0xFFFF0000))), d, numbers + i);
  }
  for (; i < count; ++i) numbers[i] = widened(rounded_to_bfloat16(numbers[i]));
}

void lay_out_rounded(MatrixView<const float> rows, std::byte* to) {
  lay_out(rows, to);
  round_to_bfloat16(reinterpret_cast<float*>(to), rows.rows * rows.cols);
}

PanelKernels kernels_of_float32() {
  return {panel_width(),
          1,
          1,
          sizeof(float),
          sizeof(float),
          kTileRows,
          kBlockRows,
          kShortestPart,
          kLongestPart,
          lay_out,
          multiply_panels<float>};
}

PanelKernels kernels_that_widen() {
  PanelKernels kernels = kernels_of_float32();
  kernels.weight_bytes = sizeof(std::uint16_t);
  kernels.lay_out = lay_out_rounded;
  kernels.multiply = multiply_panels<std::uint16_t>;
  return kernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace stratoscope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stratoscope {
HWY_EXPORT(kernels_of_float32);
HWY_EXPORT(kernels_that_widen);

PanelKernels float32_kernels() { return HWY_DYNAMIC_DISPATCH(kernels_of_float32)(); }
PanelKernels widening_kernels() { return HWY_DYNAMIC_DISPATCH(kernels_that_widen)(); }

}  // namespace stratoscope
#endif
