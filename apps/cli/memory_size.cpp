#include "apps/cli/memory_size.h"

#include <malloc.h>

#include <charconv>
#include <string_view>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope::cli {

void add_memory_limit(CLI::App& command, std::string& size) {
  command
      .add_option("--memory-limit", size,
                  "for all grid points at once, such as 512M or 4G (default: a quarter of this machine's)")
      ->type_name("SIZE");
}

std::size_t memory_size(const std::string& text) {
  if (text.empty()) return 0;
  constexpr std::string_view kUnits = "KMGT";
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::size_t power = unit.empty() ? 0 : kUnits.find(unit[0]) + 1;
  const bool known = unit.empty() || (unit.size() == 1 && power > 0);
  if (error != std::errc() || !known || number == 0 || (number << (10 * power)) >> (10 * power) != number)
    throw Error("memory", in_quotes(text) + " is no amount of memory", "write it like 512M or 4G");
  ::mallopt(M_ARENA_MAX, 1);  // one for each thread would keep what another one needs
  return number << (10 * power);
}

}  // namespace stratoscope::cli
