// Lists of indices as users write them: "0,3,-1", "2:5", "0..11", "all".
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// One index as a user writes it; a negative one counts from the end.
class Index {
 public:
  constexpr Index(long number) : number_(number) {}  // NOLINT(google-explicit-constructor): a number is an index
  // `what` names the indexed thing in errors ("token"). Throws Error for a text that is not a whole number.
  static Index parse(std::string_view text, const std::string& what);

  long number() const { return number_; }
  // The index among `count`. Throws Error with the valid range.
  std::size_t in(std::size_t count, const std::string& what) const;

  bool operator==(const Index&) const = default;

 private:
  long number_;
};

// Comma-separated single indices, a:b without its end (either side may be left out), a..b with its end, and "all". A
// selector of an edit may also have texts in quotes ("king"), which stand for indices that with_texts finds.
class IndexList {
 public:
  // Throws Error for an empty list and for a piece that is not an index, a range or "all".
  static IndexList parse(std::string_view text, const std::string& what);
  // The same with texts in quotes.
  static IndexList parse_with_texts(std::string_view text, const std::string& what);
  IndexList(const char* text) : IndexList(parse(text, "index")) {}  // NOLINT(google-explicit-constructor): as written

  const std::string& text() const { return text_; }
  // Whether the list has a negative index.
  bool counts_from_the_end() const;
  bool has_texts() const;
  // The list with the indices that `find` gives in the place of each text.
  IndexList with_texts(const std::function<std::vector<std::size_t>(const std::string&)>& find) const;
  // In the order written, repetitions kept. Throws Error for an empty range and an index out of range.
  std::vector<std::size_t> in(std::size_t count, const std::string& what) const;
  // The same as a set: ascending, each once.
  std::vector<std::size_t> set_in(std::size_t count, const std::string& what) const;
  // The same for a text that grows from `count` to at most `most`: negative indices count from the present end; others,
  // "all" and ranges without end reach up to `most`.
  std::vector<std::size_t> set_in(std::size_t count, std::size_t most, const std::string& what) const;

  bool operator==(const IndexList& other) const { return text_ == other.text_; }

 private:
  IndexList() = default;
  // Indices from `first` to before `end`, or up to `last`; one index if all three are equal. Or a text in quotes.
  struct Piece {
    std::string text;
    std::optional<Index> first, end, last;
    std::optional<std::string> unquoted;
  };
  static IndexList parse_pieces(std::string_view text, const std::vector<std::string_view>& pieces,
                                const std::string& what);
  std::vector<std::size_t> read(std::size_t now, std::size_t most, const std::string& what) const;

  std::string text_;
  std::vector<Piece> pieces_;
};

// Both at once: IndexList::parse(text, what).in(count, what), and set_in.
std::vector<std::size_t> parse_indices(std::string_view text, std::size_t count, const std::string& what);
std::vector<std::size_t> parse_index_set(std::string_view text, std::size_t count, const std::string& what);

// NumPy's linspace(0, count-1, number, dtype=int) without repetitions.
std::vector<std::size_t> evenly_spaced(std::size_t count, std::size_t number);

// The first piece that is not an index, range or "all" for any count; empty for a valid list. A view into `text`.
std::optional<std::string_view> wrong_piece(std::string_view text);
// The same for a list that may have texts in quotes.
std::optional<std::string_view> wrong_piece_or_text(std::string_view text);

// The pieces between commas without surrounding spaces; one empty piece for an empty text.
std::vector<std::string_view> split_list(std::string_view text);

// The place of `c` outside of texts in quotes, from `begin` on. A backslash in a text takes the next character as it
// is. npos if there is none.
std::size_t find_unquoted(std::string_view text, char c, std::size_t begin = 0);

}  // namespace stratoscope
