// A self-contained web page in the form of an article: headings, paragraphs, tables and figures, no script.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

// All added text is escaped here; only figures contain markup.
class Article {
 public:
  Article(std::string title, Theme theme) : title_(std::move(title)), theme_(theme) {}

  void heading(const std::string& text);
  void paragraph(const std::string& text);
  void paragraph(const std::vector<std::string>& sentences);
  // With `header` the first row is a header. Numbers are aligned to the right.
  void table(const std::vector<std::vector<std::string>>& rows, bool header = true);
  // Two columns without a header: a name and a value.
  void facts(const std::vector<std::pair<std::string, std::string>>& rows);
  // Tokens as boxes with their ids.
  void tokens(const std::vector<std::string>& labels, const std::vector<int>& ids);
  // With `drawing` (made by html_fragment); if that is empty, only the caption and the numbers.
  void figure(const Figure& figure, const std::string& drawing);

  std::string html() const;

 private:
  std::string title_;
  Theme theme_;
  std::string body_;
};

}  // namespace stratoscope
