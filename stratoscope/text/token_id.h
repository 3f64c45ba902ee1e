// A token's number: its row in the embedding.
#pragma once

#include <cstdint>

namespace stratoscope {

using TokenId = std::int32_t;

}  // namespace stratoscope
