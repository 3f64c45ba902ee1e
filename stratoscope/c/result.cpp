// Documents, arrays and figures of results.
#include "stratoscope/base/names.h"
#include "stratoscope/c/call.h"
#include "stratoscope/c/handles.h"
#include "stratoscope/figures/csv.h"
#include "stratoscope/figures/gnuplot.h"
#include "stratoscope/figures/html.h"
#include "stratoscope/figures/svg.h"
#include "stratoscope/figures/theme.h"
#include "stratoscope/figures/vega_lite.h"

namespace stratoscope::c {
namespace {

std::string draw(const Figure& figure, const std::string& format, Theme theme) {
  if (format == "csv") return csv(figure);
  if (format == "vl.json") return vega_lite(figure, theme);
  if (format == "svg") return svg_figure(figure, theme);
  if (format == "html") return html_page(figure, theme);
  const std::pair<const char*, Terminal> terminals[] = {{"png", Terminal::png}, {"pdf", Terminal::pdf}};
  const std::string file = "figure." + format;
  for (const auto& [name, terminal] : terminals)
    if (format == name) return render(gnuplot_script(figure, theme, terminal, file), terminal, file);
  throw StatusError(STRATOSCOPE_USAGE, "figure", "there is no figure as " + in_quotes(format),
                    "one of svg, png, pdf, html, csv, vl.json");
}

const std::string& figure_of(const stratoscope_result& result, const std::string& format, const std::string& theme) {
  if (result.why_no_figure != nullptr) std::rethrow_exception(result.why_no_figure);
  if (!result.figure)
    throw StatusError(STRATOSCOPE_USAGE, "figure", "a result of " + in_quotes(result.experiment) + " has no figure");
  const auto of_theme = parse_choice<Theme>(theme, "theme");
  const std::lock_guard one_at_a_time(result.mutex);
  const auto known = result.drawn.find({format, theme});
  if (known != result.drawn.end()) return known->second;
  return result.drawn[{format, theme}] = draw(*result.figure, format, of_theme);
}

}  // namespace
}  // namespace stratoscope::c

using stratoscope::c::call;
using stratoscope::c::call_quietly;
using stratoscope::c::check_pointer;
using stratoscope::c::figure_of;
using stratoscope::c::StatusError;

const char* stratoscope_result_json(const stratoscope_result* result) {
  return result == nullptr ? nullptr : result->json.c_str();
}

size_t stratoscope_result_array_count(const stratoscope_result* result) {
  return result == nullptr ? 0 : result->arrays.headers().size();
}

int stratoscope_result_array(const stratoscope_result* result, size_t index, stratoscope_array* array) {
  return call([&] {
    check_pointer(result, "result");
    check_pointer(array, "array");
    const auto& headers = result->arrays.headers();
    if (index >= headers.size())
      throw StatusError(STRATOSCOPE_UNKNOWN, "result",
                        "there is no array " + std::to_string(index) + " among " + std::to_string(headers.size()));
    *array = headers[index]->array();
  });
}

int stratoscope_result_array_named(const stratoscope_result* result, const char* name, stratoscope_array* array) {
  return call([&] {
    check_pointer(result, "result");
    check_pointer(name, "name");
    check_pointer(array, "array");
    *array = result->arrays.at(name).array();
  });
}

int stratoscope_result_figure(const stratoscope_result* result, const char* format, const char* theme,
                              const char** bytes, size_t* size) {
  return call([&] {
    check_pointer(result, "result");
    check_pointer(format, "format");
    check_pointer(theme, "theme");
    check_pointer(bytes, "bytes");
    check_pointer(size, "size");
    const std::string& drawn = figure_of(*result, format, theme);
    *bytes = drawn.c_str();
    *size = drawn.size();
  });
}

void stratoscope_result_free(stratoscope_result* result) {
  call_quietly([result] { delete result; });
}
