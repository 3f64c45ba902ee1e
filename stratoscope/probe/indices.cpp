#include "stratoscope/probe/indices.h"

#include <algorithm>
#include <charconv>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return text.substr(0, 0);
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string valid_range(std::size_t count, const std::string& what) {
  if (count == 0) return "there is no " + what;
  return what + "s are 0 to " + std::to_string(count - 1) + ", or -" + std::to_string(count) + " to -1";
}

// The numbers of things that indices refer to: now, and in the end.
struct Extent {
  std::size_t now, most;
};

// An index, or for a range's end (`may_be_count`) the count itself.
std::size_t resolve(Index index, Extent extent, const std::string& what, bool may_be_count = false) {
  const long size = static_cast<long>(extent.most);
  const long number = index.number(), place = number < 0 ? number + static_cast<long>(extent.now) : number;
  if (place < 0 || place > (may_be_count ? size : size - 1))
    throw Error(what, std::to_string(number) + " is out of range", valid_range(extent.most, what));
  return static_cast<std::size_t>(place);
}

std::vector<std::string_view> split_with_texts(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(find_unquoted(text, ',', begin), text.size());
    pieces.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return pieces;
}

// The text of a piece that is one text in quotes, which is not empty.
std::optional<std::string> unquoted(std::string_view piece) {
  if (piece.size() < 3 || piece.front() != '"') return std::nullopt;
  std::string text;
  for (std::size_t i = 1; i < piece.size(); ++i) {
    if (piece[i] == '"') return i + 1 == piece.size() && !text.empty() ? std::optional(text) : std::nullopt;
    if (piece[i] == '\\' && ++i == piece.size()) return std::nullopt;
    text += piece[i];
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    pieces.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return pieces;
}

std::size_t find_unquoted(std::string_view text, char c, std::size_t begin) {
  bool in_text = false;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (in_text && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      in_text = !in_text;
    else if (text[i] == c && !in_text)
      return i;
  }
  return std::string_view::npos;
}

namespace {

std::optional<std::string_view> first_wrong(const std::vector<std::string_view>& pieces) {
  const auto is_number = [](std::string_view number) {
    if (number.starts_with('-')) number.remove_prefix(1);
    return !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
  };
  for (const std::string_view piece : pieces) {
    const std::size_t dots = piece.find(".."), colon = piece.find(':');
    const auto before = [&](std::size_t at) { return piece.substr(0, at); };
    bool right = piece == "all" || is_number(piece);
    if (dots != std::string_view::npos)
      right = is_number(before(dots)) && is_number(piece.substr(dots + 2));
    else if (colon != std::string_view::npos)
      right =
          (colon == 0 || is_number(before(colon))) && (colon + 1 == piece.size() || is_number(piece.substr(colon + 1)));
    if (!right) return piece;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> wrong_piece(std::string_view text) { return first_wrong(split_list(text)); }

std::optional<std::string_view> wrong_piece_or_text(std::string_view text) {
  auto pieces = split_with_texts(text);
  std::erase_if(pieces, [](std::string_view piece) { return unquoted(piece).has_value(); });
  return first_wrong(pieces);
}

Index Index::parse(std::string_view text, const std::string& what) {
  text = trimmed(text);
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    throw Error(what, in_quotes(text) + " is not an index", "write numbers such as 0, -1, 2:5, 0..11, or all");
  return number;
}

std::size_t Index::in(std::size_t count, const std::string& what) const { return resolve(*this, {count, count}, what); }

IndexList IndexList::parse(std::string_view text, const std::string& what) {
  return parse_pieces(text, split_list(text), what);
}

IndexList IndexList::parse_with_texts(std::string_view text, const std::string& what) {
  IndexList list;
  list.text_ = text;
  for (const std::string_view piece : split_with_texts(text)) {
    if (auto found = unquoted(piece))
      list.pieces_.push_back({std::string(piece), std::nullopt, std::nullopt, std::nullopt, std::move(found)});
    else
      for (Piece& read : parse_pieces(text, {piece}, what).pieces_) list.pieces_.push_back(std::move(read));
  }
  return list;
}

IndexList IndexList::parse_pieces(std::string_view text, const std::vector<std::string_view>& pieces,
                                  const std::string& what) {
  IndexList list;
  list.text_ = text;
  for (const std::string_view piece : pieces) {
    if (piece.empty()) throw Error(what, "the list " + in_quotes(text) + " has an empty place");
    Piece& read = list.pieces_.emplace_back();
    read.text = piece;
    if (piece == "all") continue;
    if (const auto dots = piece.find(".."); dots != std::string_view::npos) {
      read.first = Index::parse(piece.substr(0, dots), what);
      read.last = Index::parse(piece.substr(dots + 2), what);
    } else if (const auto colon = piece.find(':'); colon != std::string_view::npos) {
      if (colon > 0) read.first = Index::parse(piece.substr(0, colon), what);
      if (colon + 1 < piece.size()) read.end = Index::parse(piece.substr(colon + 1), what);
    } else {
      read.first = read.last = Index::parse(piece, what);
    }
  }
  return list;
}

bool IndexList::counts_from_the_end() const {
  const auto is_negative = [](const std::optional<Index>& index) { return index && index->number() < 0; };
  return std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
    return is_negative(piece.first) || is_negative(piece.end) || is_negative(piece.last);
  });
}

bool IndexList::has_texts() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.unquoted.has_value(); });
}

IndexList IndexList::with_texts(const std::function<std::vector<std::size_t>(const std::string&)>& find) const {
  IndexList list;
  list.text_ = text_;
  for (const Piece& piece : pieces_) {
    if (!piece.unquoted) {
      list.pieces_.push_back(piece);
      continue;
    }
    for (const std::size_t index : find(*piece.unquoted)) {
      const Index found(static_cast<long>(index));
      list.pieces_.push_back({piece.text, found, std::nullopt, found, std::nullopt});
    }
  }
  return list;
}

std::vector<std::size_t> IndexList::read(std::size_t now, std::size_t most, const std::string& what) const {
  const Extent extent{now, most};
  std::vector<std::size_t> indices;
  for (const Piece& piece : pieces_) {
    if (piece.unquoted)
      throw Error(what, piece.text + " is a text and not an index", "write numbers such as 0, -1, 2:5");
    const std::size_t first = piece.first ? resolve(*piece.first, extent, what) : 0;
    const std::size_t end = piece.last  ? resolve(*piece.last, extent, what) + 1
                            : piece.end ? resolve(*piece.end, extent, what, true)
                                        : most;
    if (first >= end) throw Error(what, "the range " + in_quotes(piece.text) + " is empty");
    for (std::size_t i = first; i < end; ++i) indices.push_back(i);
  }
  return indices;
}

std::vector<std::size_t> IndexList::in(std::size_t count, const std::string& what) const {
  return read(count, count, what);
}

std::vector<std::size_t> IndexList::set_in(std::size_t count, const std::string& what) const {
  return set_in(count, count, what);
}

std::vector<std::size_t> IndexList::set_in(std::size_t count, std::size_t most, const std::string& what) const {
  std::vector<std::size_t> indices = read(count, most, what);
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

std::vector<std::size_t> parse_indices(std::string_view text, std::size_t count, const std::string& what) {
  return IndexList::parse(text, what).in(count, what);
}

std::vector<std::size_t> parse_index_set(std::string_view text, std::size_t count, const std::string& what) {
  return IndexList::parse(text, what).set_in(count, what);
}

std::vector<std::size_t> evenly_spaced(std::size_t count, std::size_t number) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < number && count > 0; ++i) {
    const double step = number > 1 ? static_cast<double>(count - 1) / static_cast<double>(number - 1) : 0;
    // The last index is the end itself, as in NumPy: i * step may be less by a rounding error.
    const std::size_t index =
        number > 1 && i == number - 1 ? count - 1 : static_cast<std::size_t>(static_cast<double>(i) * step);
    if (indices.empty() || indices.back() != index) indices.push_back(index);
  }
  return indices;
}

}  // namespace stratoscope
