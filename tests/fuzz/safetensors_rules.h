// The format's rules, written a second time as plainly as possible, to judge whether a file should have been accepted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stratoscope::fuzz {

using Json = nlohmann::json;

// The JSON text, unless it is malformed or an object has a key twice.
inline std::optional<Json> parse_without_repetition(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  bool repeated = false;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) repeated = true;
    return true;
  };
  Json json = Json::parse(text, watch, false);
  if (json.is_discarded() || repeated) return std::nullopt;
  return json;
}

// 0 for a type that is not read: its tensor may have any number of bytes.
inline std::size_t size_of_type(const std::string& dtype) {
  for (const char* name : {"F64", "I64", "U64"})
    if (dtype == name) return 8;
  for (const char* name : {"F32", "I32", "U32"})
    if (dtype == name) return 4;
  for (const char* name : {"F16", "BF16", "I16", "U16"})
    if (dtype == name) return 2;
  for (const char* name : {"I8", "U8", "BOOL"})
    if (dtype == name) return 1;
  return 0;
}

inline bool are_whole_numbers(const Json& list) {
  return list.is_array() && list.size() <= 32 &&
         std::all_of(list.begin(), list.end(), [](const Json& n) { return n.is_number_unsigned(); });
}

// Where the tensor begins and ends, if its entry agrees with itself.
inline std::optional<std::pair<std::uint64_t, std::uint64_t>> place_of(const Json& entry) {
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry["dtype"].is_string() ||
      !entry.contains("shape") || !are_whole_numbers(entry["shape"]) || !entry.contains("data_offsets") ||
      !are_whole_numbers(entry["data_offsets"]) || entry["data_offsets"].size() != 2)
    return std::nullopt;
  unsigned __int128 elements = 1;
  for (const Json& axis : entry["shape"]) {
    elements *= axis.get<std::uint64_t>();
    if (elements > UINT64_MAX) return std::nullopt;
  }
  const std::size_t width = size_of_type(entry["dtype"].get<std::string>());
  const auto begin = entry["data_offsets"][0].get<std::uint64_t>(), end = entry["data_offsets"][1].get<std::uint64_t>();
  if (begin > end || (width != 0 && elements * width != end - begin)) return std::nullopt;
  return std::pair(begin, end);
}

inline bool is_safetensors(std::string_view file) {
  std::uint64_t length = 0;
  if (file.size() < sizeof length) return false;
  std::memcpy(&length, file.data(), sizeof length);
  file.remove_prefix(sizeof length);
  if (length > file.size()) return false;
  const std::string_view header = file.substr(0, length);
  if (!header.starts_with('{') || header.find('\0') != std::string_view::npos) return false;
  const auto json = parse_without_repetition(header);
  if (!json || !json->is_object()) return false;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  for (const auto& [name, entry] : json->items()) {
    if (name == "__metadata__") {
      if (!entry.is_object() || !std::all_of(entry.begin(), entry.end(), [](const Json& v) { return v.is_string(); }))
        return false;
      continue;
    }
    const auto place = place_of(entry);
    if (!place) return false;
    places.push_back(*place);
  }
  std::sort(places.begin(), places.end());
  std::uint64_t filled = 0;
  for (const auto& [begin, end] : places) {
    if (begin != filled) return false;
    filled = end;
  }
  return filled == file.size() - length;
}

}  // namespace stratoscope::fuzz
