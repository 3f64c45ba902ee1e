// Lists of indices as users write them: "0,3,-1", "2:5", "0..11", "all".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

// One index, counted from the end when negative. `what` is the noun for errors, such as "token". Throws Error with the
// valid range.
std::size_t parse_index(std::string_view text, std::size_t count, const std::string& what);

// Comma-separated indices, ranges a:b without their end (both sides optional), ranges a..b with their end, and "all",
// in the order written, with repetitions. Throws Error for an empty list, an empty range and an index out of range.
std::vector<std::size_t> parse_indices(std::string_view text, std::size_t count, const std::string& what);

// The same as a set: ascending, without repetitions.
std::vector<std::size_t> parse_index_set(std::string_view text, std::size_t count, const std::string& what);
// For a list that grows from `count` to at most `most` entries: negative indices count from the current end; other
// indices, "all" and open ranges reach up to `most`.
std::vector<std::size_t> parse_index_set(std::string_view text, std::size_t count, std::size_t most,
                                         const std::string& what);

// NumPy's linspace(0, count-1, number, dtype=int) without repetitions.
std::vector<std::size_t> evenly_spaced(std::size_t count, std::size_t number);

// The first piece that is not an index, range or "all" for any count; empty for a valid list. A view into `text`.
std::optional<std::string_view> wrong_piece(std::string_view text);

// The pieces between commas without surrounding spaces; one empty piece for an empty text.
std::vector<std::string_view> split_list(std::string_view text);

}  // namespace stratoscope
