#include "stratoscope/base/memory.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

std::optional<std::size_t> number_in(const char* file) {
  std::ifstream stream(file);
  std::size_t number = 0;
  return stream >> number ? std::optional(number) : std::nullopt;
}

std::optional<std::size_t> of_system() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  std::size_t kibibytes = 0;
  while (file >> key >> kibibytes >> unit)
    if (key == "MemAvailable:") return kibibytes * 1024;
  return std::nullopt;
}

// Control groups version 2; a container sees its own group as the root.
std::optional<std::size_t> of_control_group() {
  const auto most = number_in("/sys/fs/cgroup/memory.max"), taken = number_in("/sys/fs/cgroup/memory.current");
  if (!most || !taken) return std::nullopt;
  return *most - std::min(*most, *taken);
}

}  // namespace

std::optional<std::size_t> available_memory() {
  const auto system = of_system(), group = of_control_group();
  if (!system || !group) return system ? system : group;
  return std::min(*system, *group);
}

std::string memory_text(std::size_t bytes) {
  constexpr double kKibi = 1 << 10, kMebi = 1 << 20, kGibi = 1 << 30;
  const auto number = static_cast<double>(bytes);
  char text[32];
  if (number < kMebi)
    std::snprintf(text, sizeof text, "%.0f KiB", number / kKibi);
  else if (number < kGibi)
    std::snprintf(text, sizeof text, "%.0f MiB", number / kMebi);
  else
    std::snprintf(text, sizeof text, "%.1f GiB", number / kGibi);
  return text;
}

void require_memory(double bytes, std::size_t tokens) {
  const auto available = available_memory();
  if (available && bytes > static_cast<double>(*available))
    throw Error("run",
                "the arrays of a text of " + std::to_string(tokens) + " tokens need " +
                    memory_text(static_cast<std::size_t>(std::min(bytes, 1e18))) + ", but " + memory_text(*available) +
                    " of memory are free",
                "capture less");
}

}  // namespace stratoscope
