// A token's number: its row in the embedding.
#pragma once

#include <cstdint>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

using TokenId = std::int32_t;

}  // namespace stratoscope
