// What the demonstrations found, in sentences: each computed from the data at hand.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/demo/demo.h"

namespace stratoscope {

using Sentences = std::vector<std::string>;

Sentences describe(const Activations&);
Sentences describe(const SimilarityAcrossLayers&);
Sentences describe(const SimilarityAcrossTokens&);
Sentences describe(const LaminarProfile&);
Sentences describe(const Predictions&);
Sentences describe_sweep(const DemoFindings&);

}  // namespace stratoscope
