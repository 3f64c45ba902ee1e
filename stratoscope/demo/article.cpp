#include "stratoscope/demo/article.h"

#include <fmt/format.h>

#include "stratoscope/figures/html.h"
#include "stratoscope/figures/text.h"

namespace stratoscope {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,+−e%") == std::string::npos;
}

std::string cell(const char* tag, const std::string& text) {
  return fmt::format("<{0}{1}>{2}</{0}>", tag, is_number(text) ? " class=\"number\"" : "", escape_html(text));
}

constexpr const char* kStyle = R"(
body {{ margin: 0; background: {ground}; color: {text};
  font: 17px/1.6 Charter, "Bitstream Charter", Georgia, "DejaVu Serif", serif; }}
main {{ max-width: 46rem; margin: 0 auto; padding: 3rem 1.25rem 5rem; }}
h1, h2, th, .chips, figcaption, summary, table {{ font-family: "DejaVu Sans", system-ui, sans-serif; }}
h1 {{ font-size: 1.7rem; line-height: 1.25; }}
h2 {{ font-size: 1.2rem; margin: 3rem 0 .5rem; }}
figure {{ margin: 1.5rem -2rem; }}
figure svg {{ display: block; max-width: 100%; height: auto; margin: 0 auto; }}
figcaption {{ font-size: .82rem; line-height: 1.5; color: {muted}; margin: .5rem 2rem; }}
details {{ margin: .25rem 2rem; font-size: .82rem; }}
summary {{ cursor: pointer; color: {accent}; }}
details > div, details > pre, .scroll {{ max-height: 20rem; overflow: auto; }}
table {{ border-collapse: collapse; font-size: .82rem; margin: 1rem 0; }}
th, td {{ text-align: left; padding: .2rem .9rem .2rem 0; vertical-align: top; }}
th {{ border-bottom: 1px solid {muted}; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.chips span {{ display: inline-block; font-size: .8rem; border: 1px solid {muted}; border-radius: .3rem;
  padding: 0 .35rem; margin: .12rem; white-space: pre; }}
.chips small {{ opacity: .65; padding-left: .35rem; }}
@media (max-width: 50rem) {{ figure, figcaption, details {{ margin-left: 0; margin-right: 0; }} }}
)";

}  // namespace

void Article::heading(const std::string& text) { body_ += "<h2>" + escape_html(text) + "</h2>\n"; }

void Article::paragraph(const std::string& text) { body_ += "<p>" + escape_html(text) + "</p>\n"; }

void Article::paragraph(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += (text.empty() ? "" : " ") + sentence;
  paragraph(text);
}

void Article::table(const std::vector<std::vector<std::string>>& rows, bool header) {
  body_ += "<div class=\"scroll\"><table>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    body_ += "<tr>";
    for (const std::string& text : rows[r]) body_ += cell(header && r == 0 ? "th" : "td", text);
    body_ += "</tr>\n";
  }
  body_ += "</table></div>\n";
}

void Article::facts(const std::vector<std::pair<std::string, std::string>>& rows) {
  body_ += "<table>\n";
  for (const auto& [what, value] : rows)
    body_ += "<tr><td>" + escape_html(what) + "</td><td>" + escape_html(value) + "</td></tr>\n";
  body_ += "</table>\n";
}

void Article::tokens(const std::vector<std::string>& labels, const std::vector<int>& ids) {
  body_ += "<p class=\"chips\">";
  for (std::size_t i = 0; i < labels.size(); ++i)
    body_ += fmt::format("<span title=\"token {}\">{}<small>{}</small></span>", i, escape_html(labels[i]), ids[i]);
  body_ += "</p>\n";
}

void Article::figure(const Figure& figure, const std::string& drawing) {
  body_ += drawing.empty() ? "<figure><figcaption>" + escape_html(figure.caption) + "</figcaption>" +
                                 html_numbers(figure) + "</figure>\n"
                           : drawing;
}

std::string Article::html() const {
  const Palette& colors = palette(theme_);
  const std::string style =
      fmt::format(fmt::runtime(kStyle), fmt::arg("ground", hex(colors.ground)), fmt::arg("text", hex(colors.text)),
                  fmt::arg("muted", hex(colors.muted)), fmt::arg("accent", hex(colors.accent)));
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         escape_html(title_) + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n<main>\n<h1>" +
         escape_html(title_) + "</h1>\n" + body_ + "</main>\n</body>\n</html>\n";
}

}  // namespace stratoscope
