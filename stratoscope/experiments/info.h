// The description of a model without a run: its configuration, its size, and every hook point.
#pragma once

#include "stratoscope/base/api.h"
#include "stratoscope/session/document.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct InfoRequest {};
void describe(InfoRequest& request, Fields& fields);

struct ModelInfo {};

ModelInfo info(const Session& session, const InfoRequest& request);
// Each hook point has its shape, with "pos" for the number of positions, the names of its axes, and its scope:
// "before_blocks", "block" or "after_blocks".
Document to_json(const Session& session, const ModelInfo& info);

}  // namespace stratoscope
