#include "stratoscope/corpus/json_lines.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"

namespace stratoscope {

void for_each_json_line(const std::filesystem::path& path, const char* who, const char* entry,
                        const std::function<void(const nlohmann::json& json, const std::string& place)>& use) {
  constexpr std::size_t kLargest = std::size_t{1} << 30;
  const std::string file = read_text_file(path, kLargest);
  std::size_t number = 0, used = 0;
  for (std::size_t begin = 0; begin < file.size();) {
    const std::size_t end = std::min(file.find('\n', begin), file.size());
    const std::string line = file.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = path.string() + ", line " + std::to_string(number);
    use(parse_json(line, who, place), place);
    ++used;
  }
  if (used == 0) throw Error(who, path.string() + " has no " + entry, "one JSON object a line");
}

}  // namespace stratoscope
