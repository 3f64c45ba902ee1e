// Means of hook points over a corpus.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "stratoscope/session/session.h"

namespace stratoscope {

enum class MeanOf { all_positions, last_positions };

// The mean of each hook point over all positions of all texts, or over each text's last position, in double: its last
// axes concatenated ([heads, d_head] for z). The hook points have a pos axis and no key axis. Texts run in batches, so
// that memory stays bounded.
std::map<HookPoint, std::vector<double>> hook_means(const Session& session, std::span<const Text> texts,
                                                    std::span<const HookPoint> points,
                                                    MeanOf of = MeanOf::all_positions);

}  // namespace stratoscope
