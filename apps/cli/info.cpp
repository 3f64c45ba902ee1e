#include "stratoscope/experiments/info.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope::cli {
namespace {

std::string shape_text(const Json& shape) {
  std::string text = "[";
  for (const auto& axis : shape)
    text += (text.size() > 1 ? ", " : "") + (axis.is_string() ? axis.get<std::string>() : axis.dump());
  return text + "]";
}

// The points of all blocks once, written as blocks.i.…
void print_hook_points(const Json& hook_points, std::size_t n_layers) {
  Table table({"hook point", "shape"});
  std::set<std::string> shown;
  for (const auto& point : hook_points) {
    std::string name = point["name"];
    constexpr std::string_view kBlocks = "blocks.";
    if (point["scope"] == "block") name = "blocks.i" + name.substr(name.find('.', kBlocks.size()));
    if (shown.insert(name).second) table.add({name, shape_text(point["shape"])});
  }
  print("\nhook points, in firing order (i is 0 to {}; pos counts the text's tokens)\n", n_layers - 1);
  print(table.text());
}

// The table has the content of the document.
void print_result(const Session& session, const InfoRequest&, const ModelInfo& result) {
  const Document document = to_json(session, result);
  const Json& info = json_of(document);
  print("{} ({})\n\n", session.model_name(), session.folder().string());
  Table table({"", ">"});
  table.add({"parameters", fmt::format("{:L}", info["parameters"].get<std::size_t>())});
  table.add({"stored as", info["dtype"].get<std::string>()});
  table.add({"in memory", fmt::format("{} in fp32, {} in bf16", memory_text(info["memory"]["fp32"]),
                                      memory_text(info["memory"]["bf16"]))});
  for (const auto& [key, value] : info["config"].items())
    table.add({key, value.is_string() ? value.get<std::string>() : value.dump()});
  print(table.text());
  print_hook_points(info["hook_points"], session.config().n_layers());
}

}  // namespace

Presentation present_info() { return present<InfoRequest, ModelInfo>(print_result); }

}  // namespace stratoscope::cli
