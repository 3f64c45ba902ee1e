#include "stratoscope/ops/dot_products.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#define STRATOSCOPE_DOT __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#if defined(__clang__)
#define STRATOSCOPE_UNROLLED _Pragma("unroll")
#else
#define STRATOSCOPE_UNROLLED _Pragma("GCC unroll 32")
#endif

namespace stratoscope {
namespace {

constexpr std::size_t kLanes = 16, kWidth = 2 * kLanes;
constexpr std::size_t kTileRows = 12;  // 24 sums, two loads and a broadcast in 32 registers
constexpr std::size_t kBlockRows = 144, kShortestPart = 64, kLongestPart = 256;
constexpr std::size_t kLineBytes = 64, kLinesAhead = 16, kPlaces = 4;
constexpr std::size_t kPanelRowBytes = kWidth * 2 * sizeof(std::uint16_t);  // a pair of inner rows

// Rows of x times neighbouring panels.
struct DotWork {
  const std::uint32_t* x;  // pairs: those of each row of the tile, then the next pairs
  const std::byte* weights;
  std::size_t next_panel;  // bytes
  std::size_t pairs;
  const float* from;
  std::size_t from_row, from_panel;  // numbers from one row or panel to the next
  float* to;
  std::size_t to_row, to_panel;
  const std::byte* ahead;  // the next weights, to prefetch from kPlaces places in turn
  std::size_t place;       // bytes from one place to the next
  std::size_t lines;       // number of cache lines for each pair of each panel
};

STRATOSCOPE_DOT inline __m512bh pairs_at(const std::byte* weights) {
  __m512bh pairs;
  __builtin_memcpy(&pairs, weights, sizeof pairs);
  return pairs;
}

STRATOSCOPE_DOT inline __m512bh broadcast(std::uint32_t pair) {
  const __m512i all = _mm512_set1_epi32(static_cast<int>(pair));
  __m512bh pairs;
  __builtin_memcpy(&pairs, &all, sizeof pairs);
  return pairs;
}

// R rows times P panels.
template <std::size_t R, std::size_t P>
STRATOSCOPE_DOT void dot_tile(const DotWork& work) {
  constexpr std::size_t kVectors = 2 * P;
  __m512 sums[R * kVectors];
  STRATOSCOPE_UNROLLED for (std::size_t i = 0; i < R * kVectors; ++i) sums[i] = _mm512_setzero_ps();
  const std::uint32_t* x = work.x;
  const std::byte *w = work.weights, *const ahead = work.ahead;
  for (std::size_t pair = 0; pair < work.pairs; ++pair) {
    __m512bh columns[kVectors];
    STRATOSCOPE_UNROLLED for (std::size_t v = 0; v < kVectors; ++v) columns[v] =
        pairs_at(w + v / 2 * work.next_panel + v % 2 * kLineBytes);
    const std::byte* const asked = ahead + pair % kPlaces * work.place + pair / kPlaces * work.lines * kLineBytes;
    for (std::size_t line = 0; line < work.lines; ++line)
      for (std::size_t p = 0; p < P; ++p) __builtin_prefetch(asked + p * work.next_panel + line * kLineBytes);
    STRATOSCOPE_UNROLLED for (std::size_t r = 0; r < R; ++r) {
      const __m512bh row = broadcast(x[r]);
      STRATOSCOPE_UNROLLED for (std::size_t v = 0; v < kVectors; ++v) sums[r * kVectors + v] =
          _mm512_dpbf16_ps(sums[r * kVectors + v], row, columns[v]);
    }
    x += R;
    w += kPanelRowBytes;
  }
  STRATOSCOPE_UNROLLED for (std::size_t i = 0; i < R * kVectors; ++i) {
    const std::size_t row = i / kVectors, panel = i % kVectors / 2, column = i % 2 * kLanes;
    const float* const from = work.from + row * work.from_row + panel * work.from_panel + column;
    float* const to = work.to + row * work.to_row + panel * work.to_panel + column;
    _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(from), sums[i]));
  }
}

using DotTile = void (*)(const DotWork&);

template <std::size_t... R>
constexpr std::array<DotTile, sizeof...(R)> dot_tiles(std::index_sequence<R...> /*rows*/) {
  return {dot_tile<R + 1, 1>...};
}

DotWork work_of(const PanelPiece& piece, std::size_t row, std::size_t panel) {
  return {reinterpret_cast<const std::uint32_t*>(piece.x + row * piece.x_row),
          piece.weights + panel * piece.next_panel,
          piece.next_panel,
          piece.depth / 2,
          piece.from.at(row, panel),
          piece.from.next_row,
          piece.from.next_panel,
          piece.to.at(row, panel),
          piece.to.next_row,
          piece.to.next_panel,
          nullptr,
          0,
          0};
}

// With few rows the processor would wait for the last addition of each sum, so that several panels are multiplied at
// once. Returns the number of multiplied whole panels.
std::size_t dot_few_rows(const PanelPiece& piece) {
  constexpr std::size_t kPanels[] = {0, 4, 3, 2};
  if (piece.rows >= std::size(kPanels)) return 0;
  constexpr DotTile kTiles[] = {nullptr, dot_tile<1, kPanels[1]>, dot_tile<2, kPanels[2]>, dot_tile<3, kPanels[3]>};
  const std::size_t at_once = kPanels[piece.rows];
  std::size_t done = 0;
  for (; (done + at_once) * kWidth <= piece.columns; done += at_once) {
    DotWork work = work_of(piece, 0, done);
    work.ahead = work.weights + kLinesAhead * kLineBytes;
    work.lines = kPanelRowBytes / kLineBytes;
    work.place = work.lines * kLineBytes;
    kTiles[piece.rows](work);
  }
  return done;
}

void dot_panels(const PanelPiece& piece) {
  static constexpr auto kTiles = dot_tiles(std::make_index_sequence<kTileRows>());
  const std::size_t tiles = (piece.rows + kTileRows - 1) / kTileRows, bytes = piece.depth / 2 * kPanelRowBytes;
  const std::size_t lines = (kPanelRowBytes / kLineBytes + tiles - 1) / tiles;  // so that the tiles prefetch all lines
  for (std::size_t p = dot_few_rows(piece); p < piece.panels; ++p) {
    // after the last panel the first one continues with its next part
    const std::byte* const following =
        p + 1 < piece.panels ? piece.weights + (p + 1) * piece.next_panel : piece.weights + bytes;
    const std::size_t columns = std::min(kWidth, piece.columns - p * kWidth);
    for (std::size_t row = 0, tile = 0; row < piece.rows; row += kTileRows, ++tile) {
      const std::size_t count = std::min(kTileRows, piece.rows - row);
      DotWork work = work_of(piece, row, p);
      // each place has a part of the lines, and each tile prefetches a share of them
      const std::size_t pairs_in_place = piece.depth / 2 / kPlaces, asked = tile * lines * pairs_in_place * kLineBytes;
      work.place = pairs_in_place * kPanelRowBytes;
      work.lines = asked < work.place ? lines : 0;
      work.ahead = following + std::min(asked, work.place);
      if (columns == kWidth) {
        kTiles[count - 1](work);
        continue;
      }
      alignas(kLineBytes) float narrow[kTileRows * kWidth];
      work.to = narrow;
      work.to_row = kWidth;
      kTiles[count - 1](work);
      for (std::size_t r = 0; r < count; ++r) std::copy_n(narrow + r * kWidth, columns, piece.to.at(row + r, p));
    }
  }
}

// Pair by pair of the inner dimension, with the pairs of all rows together; rounded, and padded with a zero.
STRATOSCOPE_DOT void lay_out_pairs(MatrixView<const float> rows, std::byte* to) {
  auto* const pairs = reinterpret_cast<std::uint32_t*>(to);
  for (std::size_t r = 0; r < rows.rows; ++r)
    for (std::size_t i = 0; i < rows.cols; i += kLanes) {
      const std::size_t count = std::min(kLanes, rows.cols - i);
      const auto mask = static_cast<__mmask16>((1U << count) - 1);
      const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, rows.row(r) + i));
      std::uint32_t of_row[kLanes / 2];
      __builtin_memcpy(of_row, &rounded, sizeof of_row);
      for (std::size_t pair = 0; pair < (count + 1) / 2; ++pair) pairs[(i / 2 + pair) * rows.rows + r] = of_row[pair];
    }
}

}  // namespace

bool has_dot_products() {
  static const bool has =
      __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return has;
}

bool has_fast_dot_products() { return has_dot_products() && __builtin_cpu_is("intel") == 0; }

PanelKernels dot_product_kernels() {
  return {kWidth,
          2,
          2,
          sizeof(std::uint16_t),
          sizeof(std::uint16_t),
          kTileRows,
          kBlockRows,
          kShortestPart,
          kLongestPart,
          lay_out_pairs,
          dot_panels};
}

STRATOSCOPE_DOT double chain_dot_products(std::size_t steps, float* sum) {
  constexpr std::size_t kChains = 12;
  __m512 sums[kChains];
  STRATOSCOPE_UNROLLED for (std::size_t i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  const __m512bh factor = broadcast(0x3C003C00U), other = broadcast(0x3C003C00U);
  for (std::size_t step = 0; step < steps; ++step)
    STRATOSCOPE_UNROLLED for (std::size_t i = 0; i < kChains; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], factor, other);
  __m512 all = _mm512_setzero_ps();
  STRATOSCOPE_UNROLLED for (std::size_t i = 0; i < kChains; ++i) all = _mm512_add_ps(all, sums[i]);
  *sum = _mm512_cvtss_f32(all);
  return 4.0 * static_cast<double>(kChains * steps * kLanes);
}

}  // namespace stratoscope

#else

namespace stratoscope {

bool has_dot_products() { return false; }
bool has_fast_dot_products() { return false; }
PanelKernels dot_product_kernels() { return {}; }
double chain_dot_products(std::size_t /*steps*/, float* /*sum*/) { return 0; }

}  // namespace stratoscope

#endif
