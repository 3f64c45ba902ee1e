// A figure as a file: the same as the command line's --figure.
#pragma once

#include <string>

#include "apps/server/http/message.h"
#include "apps/server/jobs.h"
#include "stratoscope/base/progress.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope::server {

// Of the query: ?figure=svg, png, pdf, csv, html or vl.json, and &theme=dark.
struct FigureFormat {
  std::string ending;  // empty where no figure is asked for
  Theme theme = Theme::light;

  bool is_asked() const { return !ending.empty(); }
};
// Throws HttpError (400) for a format or theme that is not available.
FigureFormat figure_format(const Request& request);
// Of fields of a body.
FigureFormat figure_format(const std::string& ending, const std::string& theme);

// Named "NAME.svg". Throws HttpError (501) where it cannot be drawn.
FileResult file_of(const Figure& figure, const std::string& name, const FigureFormat& format, const Progress* progress);

}  // namespace stratoscope::server
