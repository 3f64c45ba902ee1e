// What the demonstrations found, in sentences: each computed from the data at hand.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/experiment/demo.h"

namespace stratoscope {

using Sentences = std::vector<std::string>;

Sentences describe(const Activations& activations);
Sentences describe(const SimilarityAcrossLayers& similarity);
Sentences describe(const SimilarityAcrossTokens& similarity);
Sentences describe(const LaminarProfile& profile);
Sentences describe(const Predictions& likeliest);
Sentences describe_sweep(const DemoFindings& findings);

}  // namespace stratoscope
