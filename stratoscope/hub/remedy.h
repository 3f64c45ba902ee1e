// What mends a model whose files cannot be read.
#pragma once

#include <string>

#include "stratoscope/base/error.h"
#include "stratoscope/families/families.h"
#include "stratoscope/hub/find_model.h"

namespace stratoscope {

// The error with the command that gets damaged files anew in its hint; without a name to pull, the error as it is.
Error with_remedy(const Error& error, const std::string& pull_name);

// Calls `read`, which reads files of the model. Its Errors leave with their remedy, but for those of right files.
template <class Read>
auto reading(const ModelLocation& model, const Read& read) {
  try {
    return read();
  } catch (const Interrupted&) {
    throw;
  } catch (const NotImplemented&) {
    throw;
  } catch (const Error& error) {
    throw with_remedy(error, model.pull_name);
  }
}

}  // namespace stratoscope
