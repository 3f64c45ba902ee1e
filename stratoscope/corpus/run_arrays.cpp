#include "stratoscope/corpus/run_arrays.h"

#include "stratoscope/version.h"

namespace stratoscope {

std::map<std::string, std::string> metadata_of(const Session& session) {
  return {{"model", session.model_name()},
          {"model_hash", session.model_hash()},
          {"stratoscope", STRATOSCOPE_VERSION},
          {"precision", std::string(name_of(session.precision()))}};
}

}  // namespace stratoscope
