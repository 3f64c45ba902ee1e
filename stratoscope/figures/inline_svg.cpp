#include "stratoscope/figures/inline_svg.h"

#include <fmt/format.h>

#include <cstdio>
#include <iterator>

#include "stratoscope/figures/text.h"

namespace stratoscope {
namespace {

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string hex_of(int red, int green, int blue) { return fmt::format("#{:02x}{:02x}{:02x}", red, green, blue); }

// A filled disc of gnuplot: <use xlink:href='#gpPt6' transform='translate(x,y) scale(r)' color='rgb(…)' opacity='o'/>
struct Disc {
  double x = 0, y = 0, radius = 0, opacity = 1;
  int red = 0, green = 0, blue = 0;

  bool read(const std::string& line) {
    opacity = 1;
    const int fields = std::sscanf(line.c_str(),
                                   " <use xlink:href='#gpPt6' transform='translate(%lf,%lf) scale(%lf)'"
                                   " color='rgb(%d,%d,%d)' opacity='%lf'/>",
                                   &x, &y, &radius, &red, &green, &blue, &opacity);
    return fields >= 6;
  }
  std::string style() const {
    return fmt::format(R"(<g fill="{}" fill-opacity="{:g}" stroke="none">)", hex_of(red, green, blue), opacity);
  }
  std::string element() const { return fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{:.3g}"/>)", x, y, radius); }
};

// A cell of a heat map: <polygon fill = 'rgb(…)' points = 'four corners'/>, always a rectangle.
std::string short_cell(const std::string& line) {
  int red = 0, green = 0, blue = 0;
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0, y2 = 0, ignored = 0;
  const int fields = std::sscanf(line.c_str(), " <polygon fill = 'rgb(%d,%d,%d)' points = '%lf,%lf %lf,%lf %lf,%lf",
                                 &red, &green, &blue, &x0, &y0, &x1, &y1, &ignored, &y2);
  if (fields < 9 || y0 != y1) return line;
  return fmt::format(R"(<path fill="{}" d="M{:g} {:g}H{:g}V{:g}H{:g}z"/>)", hex_of(red, green, blue), x0, y0, x1, y2,
                     x0);
}

// Successive discs with one colour share a group; cells become short paths; empty groups are removed.
std::string compact(std::string_view svg) {
  std::string result, style;
  Disc disc;
  while (!svg.empty()) {
    const std::size_t end = std::min(svg.find('\n'), svg.size());
    const std::string line(svg.substr(0, end));
    svg.remove_prefix(std::min(end + 1, svg.size()));
    const bool is_disc = disc.read(line);
    const std::string next_style = is_disc ? disc.style() : "";
    if (next_style != style) {
      if (!style.empty()) result += "</g>\n";
      result += next_style;
      style = next_style;
    }
    if (is_disc) {
      result += disc.element();
    } else if (line.find("<polygon fill = ") != std::string::npos) {
      result += short_cell(line);
    } else {
      result += line + "\n";
    }
  }
  return result;
}

// gnuplot titles each plot element "gnuplot_plot_1", which a browser would show under the pointer.
void drop_titles(std::string& svg) {
  for (std::size_t at = svg.find("<title>"); at != std::string::npos; at = svg.find("<title>", at)) {
    const std::size_t end = svg.find("</title>", at);
    if (end == std::string::npos) return;
    svg.erase(at, end + 8 - at);
  }
}

}  // namespace

std::string inline_svg(std::string_view svg, const std::string& title, const std::string& prefix) {
  const std::size_t begin = svg.find("<svg");
  std::string body = compact(begin == std::string_view::npos ? svg : svg.substr(begin));
  drop_titles(body);
  for (const char quote : {'\'', '"'}) {
    replace_all(body, std::string("id=") + quote + "gp", std::string("id=") + quote + prefix + "gp");
    replace_all(body, std::string("id=") + quote + "gnuplot_", std::string("id=") + quote + prefix);
  }
  for (const char* name : {"textbox", "greybox"}) {
    replace_all(body, std::string("id='") + name, "id='" + prefix + name);
    replace_all(body, std::string("url(#") + name, "url(#" + prefix + name);
  }
  replace_all(body, "'#gp", "'#" + prefix + "gp");
  replace_all(body, "<image ", "<image style=\"image-rendering:pixelated\" ");
  const std::size_t head_end = body.find('>');
  if (head_end == std::string::npos) return body;
  body.insert(head_end + 1, "\n<title>" + escape_html(plain_text(title)) + "</title>");
  body.insert(4, R"( role="img" style="max-width:100%;height:auto")");
  return body;
}

}  // namespace stratoscope
