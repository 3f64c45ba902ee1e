// The parts of an svg file: numbers, shapes and texts.
#pragma once

#include <string>
#include <utility>

#include "stratoscope/figures/layout.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {

struct Place {
  double x = 0, y = 0;  // pixels
};

// A coordinate with at most two decimals.
std::string coordinate(double pixels);

// A line of text; empty for an empty one, and for a place far outside of any picture.
std::string svg_text(const TextSpot& spot, double size, Rgb color, bool bold = false);

// The commands of a path that draws the segments of a line one by one, as far as they are inside of a box.
class ClippedPath {
 public:
  explicit ClippedPath(const Box& box) : box_(box) {}

  // A place that is not finite interrupts the line.
  void line_to(Place place);
  void interrupt() { drawing_ = false; }
  const std::string& commands() const { return commands_; }

 private:
  Box box_;
  bool drawing_ = false;
  Place last_;                  // the end of the line, which may be outside
  std::string commands_, end_;  // end_: the last place that was drawn
};

// The part of a segment that is inside of the box; false if there is none.
bool clip_segment(const Box& box, Place& from, Place& to);

}  // namespace stratoscope
