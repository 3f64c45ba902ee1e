#include "stratoscope/probe/edit_grammar.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "stratoscope/base/names.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"

namespace stratoscope {
namespace {

constexpr const char* kCaptureExample = "a capture reads like \"blocks.3.attn.hook_pattern[2:5].head[0]\"";
constexpr const char* kExample = "an edit reads like \"blocks.3.hook_resid_post[2:5] *= 0.8\"";

constexpr std::array<std::string_view, 4> kSelectors = {"", ".head", ".key", ".dim"};  // before their brackets
constexpr std::array kIndices = {"position", "head", "key", "dimension"};              // the nouns of their indices

class EditParser {
 public:
  // `where` is the name of the program part for errors.
  EditParser(const char* where, std::string_view text) : where_(where), text_(text) { edit_.text = text; }

  EditExpression parse() {
    parse_hook_and_selectors();
    parse_op();
    parse_value();
    return edit_;
  }

  HookExpression parse_hook_alone() {
    parse_hook_and_selectors();
    if (!at_end()) fail(pos_, "the name should end here", kCaptureExample);
    return static_cast<const HookExpression&>(edit_);
  }

 private:
  [[noreturn]] void fail(std::size_t at, const std::string& problem, const std::string& hint = {}) const {
    throw GrammarError(where_, std::string(text_), at, problem, hint);
  }

  bool at_end() const { return pos_ >= text_.size(); }
  std::string_view rest() const { return text_.substr(pos_); }
  void skip_spaces() {
    while (!at_end() && std::isspace(static_cast<unsigned char>(text_[pos_])) != 0) ++pos_;
  }
  bool take(std::string_view word) {
    if (!rest().starts_with(word)) return false;
    pos_ += word.size();
    return true;
  }

  // The length of the beginning of a selector of this kind, including its bracket: ".head[", or ".head [" with spaces.
  // 0 if there is none.
  static std::size_t opening(std::string_view text, std::string_view kind) {
    if (!text.starts_with(kind)) return 0;
    const std::size_t bracket = kind.empty() ? 0 : text.find_first_not_of(" \t\n\v\f\r", kind.size());
    return bracket < text.size() && text[bracket] == '[' ? bracket + 1 : 0;
  }
  static bool begins_selector(std::string_view text) {
    return std::ranges::any_of(kSelectors, [&](std::string_view kind) { return opening(text, kind) > 0; });
  }

  // At "[": whether it belongs to the name, in place of a number or before the rest of the name.
  bool is_bracket_of_name(std::size_t begin) const {
    if (takes_index_list(text_.substr(begin, pos_ - begin))) return true;
    const std::size_t close = rest().find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view after = rest().substr(close + 1);
    return !begins_selector(after) && !after.starts_with("*=") && !after.empty() && is_name_character(after[0]);
  }

  // Consumes a list of blocks (or heads) in a name.
  void take_index_list(std::size_t begin) {
    const std::size_t bracket = pos_++;
    if (!takes_index_list(text_.substr(begin, bracket - begin)))
      fail(bracket, "no list of blocks can stand here", "it replaces a number: blocks.[8..11].hook_mlp_out");
    static_cast<void>(bracketed(bracket, text_[bracket - 1] == 'H' ? "head" : "block"));
  }

  static bool is_name_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '?' || c == '-' || c == '*';
  }

  // A hook's name ends where a selector, a space or an operator begins; '*' is a glob unless '=' follows.
  bool in_name(std::size_t begin) const {
    if (at_end() || rest().starts_with("*=")) return false;
    if (text_[pos_] == '[') return is_bracket_of_name(begin);
    return !begins_selector(rest()) && is_name_character(text_[pos_]);
  }

  void parse_hook_and_selectors() {
    parse_hook();
    while (parse_selector()) {
    }
  }

  void parse_hook() {
    skip_spaces();
    const std::size_t begin = pos_;
    while (in_name(begin))
      if (text_[pos_] == '[')
        take_index_list(begin);
      else
        ++pos_;
    if (pos_ == begin)
      fail(begin, "a hook point's name is expected here",
           where_ == std::string_view("edit") ? kExample : kCaptureExample);
    edit_.hook = text_.substr(begin, pos_ - begin);
  }

  bool parse_selector() {
    skip_spaces();
    const std::size_t begin = pos_;
    const std::array lists = {&edit_.positions, &edit_.heads, &edit_.keys, &edit_.dims};
    std::optional<IndexList>* list = nullptr;
    const char* indices = nullptr;
    for (std::size_t kind = 0; kind < lists.size() && list == nullptr; ++kind) {
      const std::size_t length = opening(rest(), kSelectors[kind]);
      if (length == 0) continue;
      list = lists[kind];
      indices = kIndices[kind];
      pos_ += length;
    }
    if (list == nullptr) return false;
    if (list->has_value()) fail(begin, "this selector is given twice", "one list may hold several indices: [0,2:5]");
    *list = IndexList::parse(bracketed(begin, indices), indices);
    return true;
  }

  // Consumes a list of indices and the next ']'. `what` is their noun for messages.
  std::string bracketed(std::size_t begin, const std::string& what) {
    const std::size_t close = text_.find(']', pos_);
    if (close == std::string_view::npos) fail(begin, "this bracket is not closed");
    const std::string_view list = text_.substr(pos_, close - pos_);
    pos_ = close + 1;
    if (const auto piece = wrong_piece(list))
      fail(static_cast<std::size_t>(piece->data() - text_.data()),
           piece->empty() ? "the list of " + what + "s has an empty place"
                          : in_quotes(*piece) + " is not an index of a " + what,
           "a list reads [8..11] with its end, [0,2:5,-1] without, or [all]");
    return std::string(list);
  }

  void parse_op() {
    skip_spaces();
    const std::size_t begin = pos_;
    if (take("*="))
      edit_.op = EditOp::multiply;
    else if (take("+="))
      edit_.op = EditOp::add;
    else if (take("without"))
      edit_.op = EditOp::without;
    else if (take("="))
      edit_.op = EditOp::set;
    else
      fail(begin, at_end() ? "an operator is expected here" : "this is not an operator", "use *=, +=, = or without");
    const bool runs_on = edit_.op == EditOp::without
                             ? !at_end() && !std::isspace(static_cast<unsigned char>(text_[pos_]))
                             : rest().starts_with("=");
    if (runs_on) fail(begin, "this is not an operator", "use *=, +=, = or without");
  }

  void parse_value() {
    skip_spaces();
    value_begin_ = pos_;
    if (at_end()) fail(pos_, "a value is expected here", "a number, zero, mean, corrupt or a vector's file");
    while (std::isspace(static_cast<unsigned char>(text_.back())) != 0) text_.remove_suffix(1);
    const std::string_view word = rest();
    if (word == "zero") return refuse_direction();  // the number 0
    if (word == "mean") return set_source(EditSource::mean);
    if (word == "corrupt") return set_source(EditSource::corrupt);
    if (take("corrupt[")) {
      set_source(EditSource::corrupt);
      edit_.corrupt_position = Index::parse(bracketed(pos_ - 1, "position"), "position");
      if (!at_end()) fail(pos_, "the value should end here");
      return;
    }
    if (!parse_number()) {
      edit_.number = 1;
      parse_vector();
    }
    refuse_direction();
  }

  void refuse_direction() const {
    if (edit_.source == EditSource::number && edit_.op == EditOp::without)
      fail(value_begin_, "without needs a direction, not a number", "a vector's file, mean or corrupt[position]");
  }

  void set_source(EditSource source) {
    edit_.source = source;
    edit_.number = 1;
  }

  // Parses a number, alone or before '*' and a vector. False for other texts, also those that begin a file's name.
  bool parse_number() {
    const char* begin = text_.data() + pos_;
    const char* end = text_.data() + text_.size();
    const bool plus = *begin == '+';
    double number = 0;
    const auto [after, error] = std::from_chars(begin + (plus ? 1 : 0), end, number);
    if (error == std::errc::invalid_argument) return false;
    const std::size_t next = text_.find_first_not_of(" \t", static_cast<std::size_t>(after - text_.data()));
    const bool alone = next == std::string_view::npos;
    if (!alone && text_[next] != '*') return false;
    // An out-of-range result may also be a number too near zero, which becomes zero.
    if (error == std::errc::result_out_of_range) number = std::strtod(std::string(begin, after).c_str(), nullptr);
    if (!std::isfinite(number) || std::abs(number) > std::numeric_limits<float>::max())
      fail(pos_, "this number is not finite, or too large for float32");
    edit_.number = number;
    if (!alone) {
      pos_ = next + 1;
      skip_spaces();
      if (at_end()) fail(pos_, "a vector is expected after '*'", "file.npy or file.safetensors:tensor");
      parse_vector();
    }
    return true;
  }

  void parse_vector() {
    constexpr std::string_view kTensorFile = ".safetensors:";
    const std::string_view word = rest();
    edit_.source = EditSource::vector;
    if (word.ends_with(".npy")) {
      edit_.vector_file = word;
    } else if (const auto colon = word.rfind(kTensorFile); colon != std::string_view::npos) {
      edit_.vector_file = word.substr(0, colon + kTensorFile.size() - 1);
      edit_.vector_tensor = word.substr(colon + kTensorFile.size());
      if (edit_.vector_tensor.empty()) fail(text_.size(), "the tensor's name is missing");
    } else {
      fail(pos_, in_quotes(word) + " is not a value",
           word.ends_with(".safetensors") ? "name the tensor: file.safetensors:tensor"
                                          : "a number, zero, mean, corrupt, file.npy or file.safetensors:tensor");
    }
  }

  const char* where_;
  std::string_view text_;
  std::size_t pos_ = 0, value_begin_ = 0;
  EditExpression edit_;
};

}  // namespace

GrammarError::GrammarError(const std::string& where, const std::string& expression, std::size_t column,
                           const std::string& problem, const std::string& hint)
    : Error(where, problem, hint), column_(std::min(column, expression.size())) {
  // The part of the expression around the place, on one line with one column per character.
  constexpr std::size_t kBefore = 120, kAfter = 80;
  std::size_t begin = column_ > kBefore ? column_ - kBefore : 0, end = std::min(expression.size(), column_ + kAfter);
  const auto continues = [&](std::size_t i) { return (static_cast<unsigned char>(expression[i]) & 0xC0U) == 0x80U; };
  while (begin > 0 && continues(begin)) --begin;
  while (end < expression.size() && continues(end)) ++end;
  std::string shown = begin > 0 ? "… " : "", blank = begin > 0 ? "  " : "";
  for (std::size_t i = begin; i < end; ++i) {
    const auto byte = static_cast<unsigned char>(expression[i]);
    shown += byte < 0x20 || byte == 0x7f ? ' ' : expression[i];
    if (i < column_ && !continues(i)) blank += ' ';
  }
  if (end < expression.size()) shown += " …";
  set_details("  " + shown + "\n  " + blank + "^\n");
}

EditExpression parse_edit(std::string_view text) { return EditParser("edit", text).parse(); }

EditExpression::EditExpression(const char* written) : EditExpression(parse_edit(written)) {}
EditExpression::EditExpression(const std::string& written) : EditExpression(parse_edit(written)) {}

HookExpression::HookExpression(const char* written) : HookExpression(parse_hook_expression(written)) {}
HookExpression::HookExpression(const std::string& written) : HookExpression(parse_hook_expression(written)) {}

HookExpression parse_hook_expression(std::string_view text) { return EditParser("capture", text).parse_hook_alone(); }

}  // namespace stratoscope
