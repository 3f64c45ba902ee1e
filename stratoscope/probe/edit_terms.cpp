#include "stratoscope/probe/edit_terms.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "stratoscope/base/names.h"
#include "stratoscope/probe/edit_grammar.h"

namespace stratoscope {
namespace {

constexpr const char* kTermHint =
    "a number, zero, mean, median, mean(dim), median(dim), clean, corrupt, noise(sd, seed), file.npy or "
    "file.safetensors:tensor";

constexpr std::array<std::pair<std::string_view, EditSource>, 6> kWords = {{{"mean", EditSource::mean},
                                                                            {"median", EditSource::median},
                                                                            {"clean", EditSource::clean},
                                                                            {"corrupt", EditSource::corrupt},
                                                                            {"mean(dim)", EditSource::row_mean},
                                                                            {"median(dim)", EditSource::row_median}}};

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_sign(char c) { return c == '+' || c == '-'; }

class TermParser {
 public:
  TermParser(const char* where, std::string_view text, std::size_t begin)
      : where_(where), whole_(text), text_(text), pos_(begin) {
    while (!text_.empty() && is_space(text_.back())) text_.remove_suffix(1);
  }

  std::vector<EditTerm> parse() {
    skip_spaces();
    if (at_end()) fail(whole_.size(), "a value is expected here", kTermHint);
    std::vector<EditTerm> terms;
    bool minus = false;
    do terms.push_back(parse_term(minus));
    while (take_operator(minus));
    return terms;
  }

 private:
  [[noreturn]] void fail(std::size_t at, const std::string& problem, const std::string& hint = {}) const {
    throw GrammarError(where_, std::string(whole_), at, problem, hint);
  }

  bool at_end() const { return pos_ >= text_.size(); }
  std::string_view rest() const { return text_.substr(pos_); }
  void skip_spaces() { pos_ = std::min(after_spaces(pos_), text_.size()); }
  std::size_t after_spaces(std::size_t at) const {
    while (at < text_.size() && is_space(text_[at])) ++at;
    return at;
  }

  // Whether a term may end at this place: at the end, or before " + " or " - ".
  bool is_border(std::size_t at) const {
    const std::size_t sign = after_spaces(at);
    if (sign >= text_.size()) return true;
    return sign > at && is_sign(text_[sign]) && (sign + 1 == text_.size() || is_space(text_[sign + 1]));
  }
  // The text up to the next border.
  std::string_view word() const {
    std::size_t end = pos_;
    while (!is_border(end)) ++end;
    return text_.substr(pos_, end - pos_);
  }

  // After a term: reads the sign of the next one. False at the end.
  bool take_operator(bool& minus) {
    const std::size_t end = pos_;
    skip_spaces();
    if (at_end()) return false;
    if (!is_sign(text_[pos_])) fail(end, "the value should end here");
    minus = text_[pos_++] == '-';
    skip_spaces();
    if (at_end()) fail(pos_, "a term is expected after the sign", kTermHint);
    return true;
  }

  EditTerm parse_term(bool minus) {
    if (is_sign(text_[pos_]) && is_sign_of_word()) {
      minus ^= text_[pos_++] == '-';
      skip_spaces();
    }
    EditTerm term;
    if (!parse_number(term)) parse_source(term);
    if (minus) term.number = -term.number;
    return term;
  }

  // Whether the sign here is not the beginning of a number or of a file's name.
  bool is_sign_of_word() const {
    if (pos_ + 1 == text_.size() || is_space(text_[pos_ + 1])) return true;
    TermParser after = *this;
    ++after.pos_;
    return after.is_word();
  }
  bool is_word() const {
    const std::string_view found = word();
    return found == "zero" || std::ranges::any_of(kWords, [&](const auto& known) { return known.first == found; }) ||
           found.starts_with("corrupt[") || found.starts_with("clean[") || found.starts_with("noise(");
  }

  // Parses a number, alone or before '*' and a source. False for other texts, also those that begin a file's name.
  bool parse_number(EditTerm& term) {
    if (at_end()) fail(pos_, "a term is expected here", kTermHint);
    const char* begin = text_.data() + pos_;
    const char* end = text_.data() + text_.size();
    const bool plus = *begin == '+';
    double number = 0;
    const auto [after, error] = std::from_chars(begin + (plus ? 1 : 0), end, number);
    if (error == std::errc::invalid_argument) return false;
    const auto next = static_cast<std::size_t>(after - text_.data());
    const std::size_t star = after_spaces(next);
    const bool alone = is_border(next);
    if (!alone && text_[star] != '*') return false;
    // An out-of-range result may also be a number too near zero, which becomes zero.
    if (error == std::errc::result_out_of_range) number = std::strtod(std::string(begin, after).c_str(), nullptr);
    if (!std::isfinite(number) || std::abs(number) > std::numeric_limits<float>::max())
      fail(pos_, "this number is not finite, or too large for float32");
    term.number = number;
    pos_ = next;
    if (alone) return true;
    pos_ = star + 1;
    skip_spaces();
    if (at_end()) fail(pos_, "a vector is expected after '*'", kTermHint);
    parse_source(term);
    return true;
  }

  // A source with the term's factor.
  void parse_source(EditTerm& term) {
    if (!is_word()) return parse_vector(term);
    const std::string_view found = word();
    if (found == "zero") {
      term.number = 0;
      pos_ += found.size();
    } else if (found.starts_with("noise(")) {
      parse_noise(term);
    } else if (const std::size_t bracket = found.find('['); bracket != std::string_view::npos) {
      term.source = found.starts_with("clean") ? EditSource::clean : EditSource::corrupt;
      parse_position(term, pos_ + bracket);
    } else {
      term.source = std::ranges::find(kWords, found, [](const auto& known) { return known.first; })->second;
      pos_ += found.size();
    }
  }

  void parse_position(EditTerm& term, std::size_t bracket) {
    const std::size_t close = text_.find(']', bracket);
    if (close == std::string_view::npos) fail(bracket, "this bracket is not closed");
    const std::string_view written = text_.substr(bracket + 1, close - bracket - 1);
    if (const auto piece = wrong_piece(written))
      fail(static_cast<std::size_t>(piece->data() - text_.data()), in_quotes(*piece) + " is not an index of a position",
           "name one position: corrupt[-1]");
    term.position = Index::parse(written, "position");
    pos_ = close + 1;
  }

  void parse_noise(EditTerm& term) {
    constexpr const char* kHint = "noise reads noise(0.5, 3): its standard deviation and its seed";
    const std::size_t open = pos_ + std::string_view("noise").size(), close = text_.find(')', open);
    if (close == std::string_view::npos) fail(open, "this bracket is not closed", kHint);
    const auto pieces = split_list(text_.substr(open + 1, close - open - 1));
    const auto place = [&](std::string_view piece) { return static_cast<std::size_t>(piece.data() - text_.data()); };
    if (pieces.size() > 2) fail(place(pieces[2]), "noise takes a standard deviation and a seed alone", kHint);
    term.source = EditSource::noise;
    if (!read_all(pieces[0], term.deviation) || !(term.deviation >= 0) ||
        term.deviation > std::numeric_limits<float>::max())
      fail(place(pieces[0]), in_quotes(pieces[0]) + " is not a standard deviation", kHint);
    if (pieces.size() == 2 && !read_seed(pieces[1], term.seed))
      fail(place(pieces[1]), in_quotes(pieces[1]) + " is not a seed", kHint);
    pos_ = close + 1;
  }

  void parse_vector(EditTerm& term) {
    constexpr std::string_view kArray = ".npy", kTensors = ".safetensors:";
    term.source = EditSource::vector;
    const std::size_t colon = text_.find(kTensors, pos_);
    std::size_t tensor_end = colon == std::string_view::npos ? colon : colon + kTensors.size();
    while (tensor_end < text_.size() && !is_border(tensor_end)) ++tensor_end;
    // An array's name ends at the first border after ".npy"; the same text may be a tensor's name instead.
    for (std::size_t at = text_.find(kArray, pos_); at != std::string_view::npos; at = text_.find(kArray, at + 1)) {
      const std::size_t end = at + kArray.size();
      if (end > tensor_end) break;
      if (!is_border(end)) continue;
      term.vector_file = text_.substr(pos_, end - pos_);
      pos_ = end;
      return;
    }
    if (colon != std::string_view::npos) {
      term.vector_file = text_.substr(pos_, colon + kTensors.size() - 1 - pos_);
      term.vector_tensor = text_.substr(colon + kTensors.size(), tensor_end - colon - kTensors.size());
      if (term.vector_tensor.empty()) fail(tensor_end, "the tensor's name is missing");
      pos_ = tensor_end;
      return;
    }
    refuse_word();
  }

  [[noreturn]] void refuse_word() const {
    const std::string_view found = word();
    const bool runs_on = found.find_first_of("+-*", 1) != std::string_view::npos;
    fail(pos_, in_quotes(found) + " is not a value",
         found.ends_with(".safetensors") ? "name the tensor: file.safetensors:tensor"
         : runs_on                       ? "a sum reads 0.5 * corrupt + 0.5 * clean, with spaces around + and -"
                                         : kTermHint);
  }

  template <class Number>
  static bool read_all(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return !text.empty() && error == std::errc() && end == text.data() + text.size();
  }
  static bool read_seed(std::string_view text, std::uint64_t& seed) {
    if (text.starts_with("seed=")) text.remove_prefix(std::string_view("seed=").size());
    return read_all(text, seed);
  }

  const char* where_;
  std::string_view whole_, text_;
  std::size_t pos_;
};

}  // namespace

std::vector<EditTerm> parse_edit_terms(const char* where, std::string_view text, std::size_t begin) {
  return TermParser(where, text, begin).parse();
}

}  // namespace stratoscope
