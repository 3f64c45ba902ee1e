// Describes models from config.json, for the implemented families.
#pragma once

#include <filesystem>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/base/error.h"
#include "stratoscope/families/model_config.h"

namespace STRATOSCOPE_API stratoscope {

// A configuration needs a feature that is not implemented; the files may be valid.
class NotImplemented : public Error {
 public:
  using Error::Error;
};

// `source` is the file's name in errors. Throws Error for malformed JSON and for missing, absurd or contradictory
// sizes; NotImplemented for an architecture or option that is not implemented.
ModelConfig parse_model_config(const std::string& text, const std::string& source);

// Reads `folder`/config.json, and eos_token_id of an existing generation_config.json, which takes precedence.
ModelConfig read_model_config(const std::filesystem::path& folder);

// By its name in config.json: "gelu_new".
const char* name_of(Activation activation);

}  // namespace stratoscope
