// The families of models that are implemented, and which of them a config.json describes.
#pragma once

#include <filesystem>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/base/error.h"
#include "stratoscope/families/model_config.h"

namespace STRATOSCOPE_API stratoscope {

// A configuration asks for something that this program lacks; the files may well be right.
class NotImplemented : public Error {
 public:
  using Error::Error;
};

// `source` names the file in errors. Throws Error for malformed JSON, a missing, absurd or contradictory size;
// NotImplemented for an architecture or option that is not implemented.
ModelConfig parse_model_config(const std::string& text, const std::string& source);

// Reads `folder`/config.json, and of generation_config.json, where it is there, eos_token_id, which goes before.
ModelConfig read_model_config(const std::filesystem::path& folder);

// By config.json's name: "gelu_new".
const char* name_of(Activation activation);

}  // namespace stratoscope
