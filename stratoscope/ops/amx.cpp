#include "stratoscope/ops/amx.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#define STRATOSCOPE_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))

namespace stratoscope {
namespace {

constexpr std::size_t kTile = 16;         // rows of a tile, and its columns in float32
constexpr std::size_t kRowBytes = 64;     // of a tile
constexpr std::size_t kStep = 2 * kTile;  // numbers of the inner dimension in one tile
constexpr std::size_t kWidth = 2 * kTile, kTileRows = 2 * kTile;
constexpr std::size_t kPanelRowBytes = kWidth * 2 * sizeof(std::uint16_t);  // a pair of inner rows
constexpr std::size_t kBlockRows = 5 * kTileRows, kPart = 256;

// Tiles: the four sums (upper and lower rows by left and right columns), the rows of x, and the columns of weights.
// They are macros because the intrinsics need literal numbers.
#define UPPER_LEFT 0
#define UPPER_RIGHT 1
#define LOWER_LEFT 2
#define LOWER_RIGHT 3
#define UPPER 4
#define LOWER 5
#define LEFT 6
#define RIGHT 7

// The data that the processor's LDTILECFG instruction reads.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {kRowBytes, kRowBytes, kRowBytes, kRowBytes,
                                 kRowBytes, kRowBytes, kRowBytes, kRowBytes};
  std::uint8_t rows[16] = {};
};

STRATOSCOPE_AMX void shape_tiles(std::size_t upper, std::size_t lower) {
  TileShapes shapes;
  for (const int tile : {UPPER_LEFT, UPPER_RIGHT, UPPER}) shapes.rows[tile] = static_cast<std::uint8_t>(upper);
  for (const int tile : {LOWER_LEFT, LOWER_RIGHT, LOWER}) shapes.rows[tile] = static_cast<std::uint8_t>(lower);
  shapes.rows[LEFT] = shapes.rows[RIGHT] = kTile;
  asm volatile("" : : "m"(shapes) : "memory");  // the intrinsic of GCC 12 does not declare that it reads the object
  _tile_loadconfig(&shapes);
}

// Rows of x times one panel.
struct TileWork {
  const std::byte* x;
  std::size_t x_step;  // bytes from one step to the next
  const std::byte* weights;
  std::size_t steps;
  const float* from;
  std::size_t from_row;  // numbers from one row to the next
  float* to;
  std::size_t to_row;
  const std::byte* ahead;  // the weights of the next tiles, to prefetch
  std::size_t lines;       // number of cache lines of them for each step
};

// For tiles of the shape set by shape_tiles; has_lower: more than 16 rows.
template <bool has_lower>
STRATOSCOPE_AMX void multiply_tile(const TileWork& work) {
  const std::size_t from_bytes = work.from_row * sizeof(float), to_bytes = work.to_row * sizeof(float);
  _tile_loadd(UPPER_LEFT, work.from, from_bytes);
  _tile_loadd(UPPER_RIGHT, work.from + kTile, from_bytes);
  if constexpr (has_lower) {
    const float* const lower = work.from + kTile * work.from_row;
    _tile_loadd(LOWER_LEFT, lower, from_bytes);
    _tile_loadd(LOWER_RIGHT, lower + kTile, from_bytes);
  }
  const std::byte *x = work.x, *w = work.weights, *ahead = work.ahead;
  for (std::size_t step = 0; step < work.steps; ++step) {
    _tile_loadd(UPPER, x, kRowBytes);
    _tile_loadd(LEFT, w, kPanelRowBytes);
    _tile_loadd(RIGHT, w + kRowBytes, kPanelRowBytes);
    _tile_dpbf16ps(UPPER_LEFT, UPPER, LEFT);
    _tile_dpbf16ps(UPPER_RIGHT, UPPER, RIGHT);
    if constexpr (has_lower) {
      _tile_loadd(LOWER, x + kTile * kRowBytes, kRowBytes);
      _tile_dpbf16ps(LOWER_LEFT, LOWER, LEFT);
      _tile_dpbf16ps(LOWER_RIGHT, LOWER, RIGHT);
    }
    for (std::size_t line = 0; line < work.lines; ++line, ahead += kRowBytes) __builtin_prefetch(ahead);
    x += work.x_step;
    w += kTile * kPanelRowBytes;
  }
  _tile_stored(UPPER_LEFT, work.to, to_bytes);
  _tile_stored(UPPER_RIGHT, work.to + kTile, to_bytes);
  if constexpr (has_lower) {
    float* const lower = work.to + kTile * work.to_row;
    _tile_stored(LOWER_LEFT, lower, to_bytes);
    _tile_stored(LOWER_RIGHT, lower + kTile, to_bytes);
  }
}

// Multiplies rows from `begin` to `end`, fewer than one tile or a multiple of it, by all panels.
STRATOSCOPE_AMX void multiply_tiles_of(const PanelPiece& piece, std::size_t begin, std::size_t end) {
  const std::size_t height = std::min(kTileRows, end - begin), tiles = (end - begin) / height;
  const std::size_t steps = piece.depth / kStep, lines = (kTile * kPanelRowBytes / kRowBytes + tiles - 1) / tiles;
  const auto kernel = height > kTile ? multiply_tile<true> : multiply_tile<false>;
  shape_tiles(std::min(height, kTile), height > kTile ? height - kTile : kTile);
  for (std::size_t p = 0; p < piece.panels; ++p) {
    const std::byte* const weights = piece.weights + p * piece.next_panel;
    // after the last panel the first one continues with its next part
    const std::byte* const following =
        p + 1 < piece.panels ? weights + piece.next_panel : piece.weights + steps * kTile * kPanelRowBytes;
    const std::size_t columns = std::min(kWidth, piece.columns - p * kWidth);
    for (std::size_t row = begin; row < end; row += height) {
      TileWork work{piece.x + row * piece.x_row,
                    height * kRowBytes,
                    weights,
                    steps,
                    piece.from.at(row, p),
                    piece.from.next_row,
                    piece.to.at(row, p),
                    piece.to.next_row,
                    following + (row - begin) / height * lines * steps * kRowBytes,
                    lines};
      if (columns == kWidth) {
        kernel(work);
        continue;
      }
      alignas(kRowBytes) float narrow[kTileRows * kWidth];
      work.to = narrow;
      work.to_row = kWidth;
      kernel(work);
      for (std::size_t r = 0; r < height; ++r) std::copy_n(narrow + r * kWidth, columns, piece.to.at(row + r, p));
    }
  }
}

STRATOSCOPE_AMX void multiply_panels_by_tiles(const PanelPiece& piece) {
  const std::size_t whole = piece.rows / kTileRows * kTileRows;
  if (whole > 0) multiply_tiles_of(piece, 0, whole);
  if (whole < piece.rows) multiply_tiles_of(piece, whole, piece.rows);
  _tile_release();
}

// Tile by tile, rounded, and padded with zeros.
STRATOSCOPE_AMX void lay_out_bfloat16(MatrixView<const float> rows, std::byte* to) {
  for (std::size_t r = 0; r < rows.rows; ++r)
    for (std::size_t i = 0; i < rows.cols; i += kStep) {
      const std::size_t left = rows.cols - i;
      const auto mask = left < kStep ? (std::uint32_t{1} << left) - 1 : ~std::uint32_t{0};
      const float* const x = rows.row(r) + i;
      const __m512 low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), x);
      const __m512 high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), x + kTile);
      const __m512bh rounded = _mm512_cvtne2ps_pbh(high, low);
      __builtin_memcpy(to + (i / kStep * rows.rows + r) * kRowBytes, &rounded, sizeof rounded);
    }
}

bool processor_has_amx() {
  constexpr unsigned kBfloat16 = 1U << 22, kTiles = 1U << 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kBfloat16) != 0 &&
         (d & kTiles) != 0;
}

// Linux allows these large registers only to processes that have requested them.
bool system_grants_amx() {
  constexpr int kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

}  // namespace

bool has_amx() {
  static const bool has = processor_has_amx() && system_grants_amx();
  return has;
}

PanelKernels amx_kernels() {
  return {kWidth,     2,     kStep, sizeof(std::uint16_t), sizeof(std::uint16_t),   kTileRows,
          kBlockRows, kPart, kPart, lay_out_bfloat16,      multiply_panels_by_tiles};
}

STRATOSCOPE_AMX double multiply_tiles(std::size_t steps) {
  shape_tiles(kTile, kTile);
  for (std::size_t step = 0; step < steps; ++step) {
    _tile_dpbf16ps(UPPER_LEFT, UPPER, LEFT);
    _tile_dpbf16ps(UPPER_RIGHT, UPPER, RIGHT);
    _tile_dpbf16ps(LOWER_LEFT, LOWER, LEFT);
    _tile_dpbf16ps(LOWER_RIGHT, LOWER, RIGHT);
  }
  _tile_release();
  return 2.0 * static_cast<double>(4 * steps * kTile * kTile * kStep);
}

}  // namespace stratoscope

#else

namespace stratoscope {

bool has_amx() { return false; }
PanelKernels amx_kernels() { return {}; }
double multiply_tiles(std::size_t /*steps*/) { return 0; }

}  // namespace stratoscope

#endif
