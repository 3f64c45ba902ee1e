#include "stratoscope/experiments/patch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

// The largest changes of each grid.
void print_grid(const Patch& patch, const PatchGrid& grid) {
  constexpr std::size_t kRows = 6;
  std::vector<std::tuple<double, std::size_t, std::size_t>> cells;  // change, layer, place
  for (std::size_t layer = 0; layer < grid.values.size(); ++layer)
    for (std::size_t place = 0; place < grid.values[layer].size(); ++place)
      cells.emplace_back(grid.values[layer][place] - (patch.noising ? 1 : 0), layer, place);
  // NaN first, so that it is noticed.
  const auto size = [](const auto& cell) {
    return std::isnan(std::get<0>(cell)) ? HUGE_VAL : std::abs(std::get<0>(cell));
  };
  std::stable_sort(cells.begin(), cells.end(), [&](const auto& a, const auto& b) { return size(a) > size(b); });
  Table table({"block", grid.by_head ? "head" : "position", ">normalised", ">change"});
  for (std::size_t i = 0; i < std::min(kRows, cells.size()); ++i) {
    const auto [change, layer, place] = cells[i];
    table.add(
        {block_label(layer),
         grid.by_head ? fmt::format("H{}", place) : fmt::format("{} {}", place, token_label(patch.clean.tokens[place])),
         fixed(grid.values[layer][place], 3), signed_fixed(change, 3)});
  }
  print(fmt::format("\n{} ({})\n", grid.title, grid.hook) + table.text());
}

void print_result(const Session& session, const PatchRequest&, const Patch& patch) {
  print_header(session, patch.clean);
  print_position(patch.clean, patch.position);
  print(fmt::format("{}: {:.6f} in the clean run, {:.6f} in the corrupt one; normalised, 1 and 0\n",
                    metric_title(patch.metric, patch.targets), patch.clean_value, patch.corrupt_value));
  print(patch.noising ? "corrupt values into the clean run: 0 is as corrupt, 1 is no change\n"
                      : "clean values into the corrupt run: 1 is as clean, 0 is no change\n");
  for (const PatchGrid& grid : patch.grids) print_grid(patch, grid);
}

}  // namespace

Presentation present_patch() { return present<PatchRequest, Patch>(print_result); }

}  // namespace stratoscope::cli
