// The results of the demonstrations in sentences, each computed from the results.
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
