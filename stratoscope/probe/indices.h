// Lists of indices as users write them: "0,3,-1", "2:5", "0..11", "all".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

// One index, counted from the end when negative. `what` names the thing in errors ("token"). Throws Error with the
// valid range.
std::size_t parse_index(std::string_view text, std::size_t count, const std::string& what);

// Comma-separated single indices, a:b without its end (either side may be left out), a..b with its end, and "all". In
// the order written, repetitions kept. Throws Error for an empty list, an empty range and an index out of range.
std::vector<std::size_t> parse_indices(std::string_view text, std::size_t count, const std::string& what);

// The same as a set: ascending, each once.
std::vector<std::size_t> parse_index_set(std::string_view text, std::size_t count, const std::string& what);
// The same for what grows from `count` to at most `most`: negative indices count from the end that is now; others,
// "all" and ranges without end reach up to `most`.
std::vector<std::size_t> parse_index_set(std::string_view text, std::size_t count, std::size_t most,
                                         const std::string& what);

// NumPy's linspace(0, count-1, wanted, dtype=int) without repetitions.
std::vector<std::size_t> evenly_spaced(std::size_t count, std::size_t wanted);

// The first piece that is no index, range or "all" whatever the count; nothing for a list. A view into `text`.
std::optional<std::string_view> wrong_piece(std::string_view text);

// The pieces between commas, spaces around them removed; one empty piece for an empty text.
std::vector<std::string_view> split_list(std::string_view text);

}  // namespace stratoscope
