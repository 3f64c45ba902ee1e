// The arrays of a run, under the names that every saved run uses.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/files/array.h"
#include "stratoscope/session/session.h"

namespace stratoscope {

// The metadata of a file of arrays.
std::map<std::string, std::string> metadata_of(const Session& session);

// input_ids [T], hidden_states [L+1, T, D], logits [T, V], then every captured hook point under its own name. The views
// refer to `ids` and `run`, which must outlive them.
template <class T>
std::vector<ArrayView> arrays_of(std::span<const std::int64_t> ids, const Run<T>& run) {
  std::vector<ArrayView> views;
  views.push_back(array_view("input_ids", ids, {ids.size()}));
  views.push_back(array_view("hidden_states", run.hidden_states));
  views.push_back(array_view("logits", run.logits));
  for (const auto& [point, value] : run.captured) views.push_back(array_view(name_of(point), value));
  return views;
}

}  // namespace stratoscope
