// A self-contained web page that reads like an article: headings, paragraphs, tables and figures, no script.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

// Everything that is added is escaped here; only figures bring markup of their own.
class Article {
 public:
  Article(std::string title, Theme theme) : title_(std::move(title)), theme_(theme) {}

  void heading(const std::string& text);
  void paragraph(const std::string& text);
  void paragraph(const std::vector<std::string>& sentences);
  // With `header` the first row is one. Numbers align right.
  void table(const std::vector<std::vector<std::string>>& rows, bool header = true);
  // Two columns without a header: what it is, and how much.
  void facts(const std::vector<std::pair<std::string, std::string>>& rows);
  // Tokens as chips with their ids.
  void tokens(const std::vector<std::string>& labels, const std::vector<int>& ids);
  // With `drawing` (html_fragment's) or, where it could not be drawn, the caption and the numbers alone.
  void figure(const Figure& figure, const std::string& drawing);

  std::string html() const;

 private:
  std::string title_;
  Theme theme_;
  std::string body_;
};

}  // namespace stratoscope
