#include "apps/server/page_figure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "apps/server/fields.h"
#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kShort = 400;  // bytes of a label

// The fields of one JSON object of the figure, with the count of numbers that the whole figure may still contain.
class FigurePart {
 public:
  FigurePart(const nlohmann::json& object, std::size_t& numbers_left)
      : fields_(Fields::of(object)), numbers_left_(numbers_left) {}

  std::string text(const char* name, std::size_t limit = kShort) { return fields_.text_or(name, limit, ""); }
  std::vector<std::string> texts(const char* name) { return fields_.texts(name, kFigureNumbers, kShort); }
  bool flag(const char* name) { return fields_.flag(name); }
  double number(const char* name) { return number_of(name, fields_.value(name)); }
  void reject_unknown() const { fields_.reject_unknown(); }

  // A list of objects.
  std::vector<FigurePart> parts(const char* name, std::size_t limit) {
    std::vector<FigurePart> all;
    for (const nlohmann::json& object : list(name, fields_.value(name), limit)) all.emplace_back(object, numbers_left_);
    return all;
  }
  FigurePart part(const char* name) {
    const nlohmann::json object = fields_.value(name);
    return {object.is_null() ? nlohmann::json::object() : object, numbers_left_};
  }
  bool has(const char* name) { return !fields_.value(name).is_null(); }

  std::vector<double> numbers(const char* name) { return row(name, fields_.value(name)); }
  std::vector<std::vector<double>> rows(const char* name) {
    std::vector<std::vector<double>> all;
    for (const nlohmann::json& one : rows_of(name)) all.push_back(row(name, one));
    return all;
  }
  std::vector<std::vector<std::string>> rows_of_texts(const char* name) {
    std::vector<std::vector<std::string>> all;
    for (const nlohmann::json& one : rows_of(name)) {
      Fields inner = Fields::of({{name, one}});
      all.push_back(inner.texts(name, kFigureNumbers, kShort));
    }
    return all;
  }

  [[noreturn]] static void reject(const std::string& name, const std::string& problem) {
    throw HttpError(400, "request", "field " + in_quotes(name) + " of the figure " + problem);
  }

 private:
  // A row counts as a number, which bounds the number of empty rows.
  nlohmann::json rows_of(const char* name) {
    nlohmann::json rows = list(name, fields_.value(name), numbers_left_);
    numbers_left_ -= rows.size();
    return rows;
  }
  static nlohmann::json list(const char* name, const nlohmann::json& value, std::size_t limit) {
    if (value.is_null()) return nlohmann::json::array();
    if (!value.is_array() || value.size() > limit) reject(name, "is not an array of at most " + std::to_string(limit));
    return value;
  }
  static double number_of(const char* name, const nlohmann::json& value) {
    if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!value.is_number()) reject(name, "is not a number");
    return value.get<double>();
  }
  std::vector<double> row(const char* name, const nlohmann::json& value) {
    std::vector<double> numbers;
    for (const nlohmann::json& one : list(name, value, numbers_left_)) numbers.push_back(number_of(name, one));
    numbers_left_ -= numbers.size();
    return numbers;
  }

  Fields fields_;
  std::size_t& numbers_left_;
};

Axis read_axis(FigurePart part) {
  Axis axis{part.text("title"), part.texts("ticks")};
  if (const std::vector<double> range = part.numbers("range"); range.size() == 2)
    axis.range = {range[0], range[1]};
  else if (!range.empty())
    FigurePart::reject("range", "is not a pair of numbers");
  part.reject_unknown();
  return axis;
}

Heatmap read_heatmap(FigurePart& part) {
  Heatmap heatmap{part.rows("values"), part.rows_of_texts("texts")};
  const auto same_shape = [](const auto& a, const auto& b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) { return x.size() == y.size(); });
  };
  if (heatmap.values.empty() || heatmap.values[0].empty()) FigurePart::reject("values", "is empty");
  const std::size_t width = heatmap.values[0].size();
  if (std::any_of(heatmap.values.begin(), heatmap.values.end(), [&](const auto& row) { return row.size() != width; }))
    FigurePart::reject("values", "has rows of different lengths");
  if (!heatmap.texts.empty() && !same_shape(heatmap.texts, heatmap.values))
    FigurePart::reject("texts", "is not like 'values'");
  return heatmap;
}

Mark read_mark(FigurePart part) {
  const std::string type = part.text("type");
  const auto done = [&part](Mark mark) {
    part.reject_unknown();
    return mark;
  };
  if (type == "heatmap") return done(read_heatmap(part));
  if (type == "points") return done(JitteredPoints{part.rows("columns")});
  if (type == "line") return done(Line{part.text("label"), part.numbers("x"), part.numbers("y"), part.flag("markers")});
  if (type == "bars") return done(Bars{part.numbers("values"), part.flag("horizontal"), part.flag("by_category")});
  if (type == "reference") return done(Reference{part.text("label"), part.number("y")});
  throw HttpError(400, "request", "a mark of the figure is " + in_quotes(type),
                  "one of heatmap, points, line, bars, reference");
}

ColorScale read_color(FigurePart part) {
  ColorScale scale;
  const std::string map = part.text("map");
  if (map == "diverging")
    scale.map = ColorMap::diverging;
  else if (map != "plasma")
    throw HttpError(400, "request", "the figure's colour map is " + in_quotes(map), "plasma or diverging");
  scale.title = part.text("title");
  scale.low = part.number("low");
  scale.high = part.number("high");
  scale.show_bar = !part.flag("no_bar");
  scale.clear_of_ground = !scale.show_bar;
  part.reject_unknown();
  return scale;
}

}  // namespace

Figure read_figure(const nlohmann::json& json) {
  std::size_t numbers_left = kFigureNumbers;
  FigurePart part(json, numbers_left);
  Figure figure;
  figure.title = part.text("title");
  figure.note = part.text("note", kTextBytes);
  figure.columns = part.flag("side_by_side") ? 2 : 1;
  if (part.has("color")) figure.color = read_color(part.part("color"));
  for (FigurePart& one : part.parts("panels", kFigurePanels)) {
    Panel panel{one.text("title"), read_axis(one.part("x")), read_axis(one.part("y")), {}};
    for (FigurePart& mark : one.parts("marks", kFigurePanels)) panel.marks.push_back(read_mark(mark));
    one.reject_unknown();
    figure.panels.push_back(std::move(panel));
  }
  if (figure.panels.empty()) FigurePart::reject("panels", "is empty");
  part.reject_unknown();
  return figure;
}

}  // namespace stratoscope::server
