#include "apps/server/figure_file.h"

#include <map>
#include <string_view>
#include <utility>

#include "apps/server/http_error.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/base/names.h"
#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/save_figure.h"
#include "stratoscope/figures/text.h"

namespace stratoscope::server {
namespace {

const std::map<std::string, std::string>& content_types() {
  static const std::map<std::string, std::string> all = {{"svg", "image/svg+xml"},   {"png", "image/png"},
                                                         {"pdf", "application/pdf"}, {"csv", "text/csv"},
                                                         {"html", "text/html"},      {"vl.json", "application/json"}};
  return all;
}

// gnuplot gives every SVG file the title "Gnuplot", which a browser shows.
std::string with_title(std::string svg, const std::string& title) {
  static constexpr std::string_view kDefault = "<title>Gnuplot</title>";
  const std::size_t at = svg.find(kDefault);
  if (at != std::string::npos)
    svg.replace(at, kDefault.size(), "<title>" + escape_html(plain_text(title)) + "</title>");
  return svg;
}

}  // namespace

FigureFormat figure_format(const std::string& ending, const std::string& theme) {
  if (!content_types().contains(ending)) {
    std::string endings;
    for (const auto& [known, type] : content_types()) endings += (endings.empty() ? "" : ", ") + known;
    throw HttpError(400, "request", "there is no figure as " + in_quotes(ending), "one of " + endings);
  }
  return {ending, parse_choice<Theme>(theme, "theme")};
}

FigureFormat figure_format(const Request& request) {
  const auto ending = request.parameter("figure");
  return ending ? figure_format(*ending, request.parameter("theme").value_or("light")) : FigureFormat();
}

FileResult file_of(const Figure& figure, const std::string& name, const FigureFormat& format,
                   const Progress* progress) {
  const std::string file = name + "." + format.ending, &type = content_types().at(format.ending);
  if (format.ending == "csv") return {csv(figure), type, file};
  const TemporaryFolder folder = make_temporary_folder();
  try {
    save_figure(figure, folder.path() / file, format.theme, progress);
  } catch (const NotDrawn& error) {
    throw HttpError(501, error.where(), error.problem());  // its hint names files of the temporary folder
  }
  std::string bytes = read_file(folder.path() / file);
  return {format.ending == "svg" ? with_title(std::move(bytes), figure.title) : std::move(bytes), type, file};
}

}  // namespace stratoscope::server
