// The values of hook points as one row per text: at one position of it, or the mean over all of its positions.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/probe/indices.h"
#include "stratoscope/session/session.h"

namespace stratoscope {

// The texts in order. Errors name the number of the text: "positive prompt 3: is empty".
std::vector<Text> read_each(const Session& session, std::span<const std::string> texts, const TextOptions& options,
                            const std::string& what);

// [texts, numbers]: the captured heads' numbers side by side, or with `norms` the Euclidean norm of each head's vector,
// which is one number for a point without heads. Without a position, the mean over all positions. The captures have a
// pos axis and no key axis, and choose no rows. Texts run in batches, so that memory stays bounded. Throws Error for a
// position that a text does not have.
std::map<HookPoint, BasicTensor<double>> hook_rows(const Session& session, std::span<const Text> texts,
                                                   std::span<const Capture> captures,
                                                   const std::optional<Index>& position, bool norms = false);

}  // namespace stratoscope
