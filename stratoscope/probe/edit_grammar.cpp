#include "stratoscope/probe/edit_grammar.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>

#include "stratoscope/base/names.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"

namespace stratoscope {
namespace {

constexpr const char* kCaptureExample = "a capture reads like \"blocks.3.attn.hook_pattern[2:5].head[0]\"";
constexpr const char* kExample = "an edit reads like \"blocks.3.hook_resid_post[2:5] *= 0.8\"";

constexpr std::array<std::string_view, 4> kLists = {"", ".head", ".key", ".dim"};     // before their brackets
constexpr std::array<std::string_view, 3> kByValue = {".top", ".bottom", ".random"};  // in the order of the kinds
constexpr std::array kIndices = {"position", "head", "key", "dimension"};             // the nouns of their indices

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
    for (const auto* list : {&edit_.positions, &edit_.keys, &edit_.dims})
      if (*list && (*list)->has_texts())
        fail(edit_.hook.size(), "a capture takes no text", "name positions by their numbers");
    if (edit_.by_value) fail(edit_.hook.size(), "a capture chooses no numbers by value", kCaptureExample);
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
    const auto begins = [&](std::string_view kind) { return opening(text, kind) > 0; };
    return std::ranges::any_of(kLists, begins) || std::ranges::any_of(kByValue, begins);
  }

  // At "[": whether it belongs to the name, in place of a number or before the rest of the name.
  bool is_bracket_of_name(std::size_t begin) const {
    if (takes_index_list(text_.substr(begin, pos_ - begin))) return true;
    const std::size_t close = find_unquoted(rest(), ']');
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
    for (std::size_t kind = 0; kind < kByValue.size(); ++kind)
      if (const std::size_t length = opening(rest(), kByValue[kind]); length > 0) {
        pos_ += length;
        parse_by_value(begin, static_cast<ValueSelector::Kind>(kind));
        return true;
      }
    const std::array lists = {&edit_.positions, &edit_.heads, &edit_.keys, &edit_.dims};
    for (std::size_t kind = 0; kind < lists.size(); ++kind)
      if (const std::size_t length = opening(rest(), kLists[kind]); length > 0) {
        pos_ += length;
        if (lists[kind]->has_value())
          fail(begin, "this selector is given twice", "one list may hold several indices: [0,2:5]");
        const bool takes_texts = lists[kind] != &edit_.heads;
        *lists[kind] = IndexList::parse_with_texts(bracketed(begin, kIndices[kind], takes_texts), kIndices[kind]);
        return true;
      }
    return false;
  }

  // Consumes "8%]", "20]" or "20, seed=3]".
  void parse_by_value(std::size_t begin, ValueSelector::Kind kind) {
    constexpr const char* kHint = "write a number of entries or a share: .top[20], .top[8%], .random[10%, seed=3]";
    if (edit_.by_value) fail(begin, "numbers are chosen by value twice", "leave out one of the two selectors");
    const std::size_t close = text_.find(']', pos_);
    if (close == std::string_view::npos) fail(begin, "this bracket is not closed");
    const auto pieces = split_list(text_.substr(pos_, close - pos_));
    const auto place = [&](std::string_view piece) { return static_cast<std::size_t>(piece.data() - text_.data()); };
    ValueSelector& chosen = edit_.by_value.emplace();
    chosen.kind = kind;
    std::string_view amount = pieces[0];
    if (amount.ends_with('%')) {
      chosen.percent = true;
      amount.remove_suffix(1);
    }
    std::uint32_t count = 0;
    const bool is_share =
        chosen.percent && read_all(amount, chosen.amount) && chosen.amount > 0 && chosen.amount <= 100;
    const bool is_count = !chosen.percent && read_all(amount, count) && count > 0;
    if (!is_share && !is_count) fail(place(pieces[0]), in_quotes(pieces[0]) + " is not an amount", kHint);
    if (is_count) chosen.amount = count;
    const bool takes_seed = kind == ValueSelector::Kind::random;
    if (pieces.size() > (takes_seed ? 2U : 1U))
      fail(place(pieces[takes_seed ? 2 : 1]), "the bracket should end here", kHint);
    if (pieces.size() == 2) {
      std::string_view seed = pieces[1];
      if (seed.starts_with("seed=")) seed.remove_prefix(std::string_view("seed=").size());
      if (!read_all(seed, chosen.seed)) fail(place(pieces[1]), in_quotes(pieces[1]) + " is not a seed", kHint);
    }
    pos_ = close + 1;
  }

  template <class Number>
  static bool read_all(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return !text.empty() && error == std::errc() && end == text.data() + text.size();
  }

  // Consumes a list of indices and the next ']'. `what` is their noun for messages.
  std::string bracketed(std::size_t begin, const std::string& what, bool takes_texts = false) {
    const std::size_t close = takes_texts ? find_unquoted(text_, ']', pos_) : text_.find(']', pos_);
    if (close == std::string_view::npos) fail(begin, "this bracket is not closed");
    const std::string_view list = text_.substr(pos_, close - pos_);
    pos_ = close + 1;
    if (const auto piece = takes_texts ? wrong_piece_or_text(list) : wrong_piece(list))
      fail(static_cast<std::size_t>(piece->data() - text_.data()),
           piece->empty() ? "the list of " + what + "s has an empty place"
                          : in_quotes(*piece) + " is not an index of a " + what,
           "a list reads [8..11] with its end, [0,2:5,-1] without, or [all]" +
               std::string(takes_texts ? "; a text stands in quotes" : ""));
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
    edit_.terms = parse_edit_terms(where_, text_, pos_);
    if (edit_.op == EditOp::without && std::ranges::all_of(edit_.terms, &EditTerm::is_number))
      fail(pos_, "without needs a direction, not a number", "a vector's file, mean or corrupt[position]");
  }

  const char* where_;
  std::string_view text_;
  std::size_t pos_ = 0;
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

bool EditExpression::reads(EditSource source) const {
  return std::ranges::any_of(terms, [&](const EditTerm& term) { return term.source == source; });
}

bool EditExpression::reads_other_run() const {
  return std::ranges::any_of(terms, [](const EditTerm& term) { return stratoscope::reads_other_run(term.source); });
}

EditExpression parse_edit(std::string_view text) { return EditParser("edit", text).parse(); }

EditExpression::EditExpression(const char* written) : EditExpression(parse_edit(written)) {}
EditExpression::EditExpression(const std::string& written) : EditExpression(parse_edit(written)) {}

HookExpression::HookExpression(const char* written) : HookExpression(parse_hook_expression(written)) {}
HookExpression::HookExpression(const std::string& written) : HookExpression(parse_hook_expression(written)) {}

HookExpression parse_hook_expression(std::string_view text) { return EditParser("capture", text).parse_hook_alone(); }

}  // namespace stratoscope
