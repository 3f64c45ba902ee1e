// Adds a remedy to errors of unreadable model files.
#pragma once

#include <string>

#include "stratoscope/base/error.h"
#include "stratoscope/families/families.h"
#include "stratoscope/hub/find_model.h"

namespace stratoscope {

// The error with the command that downloads damaged files again in its hint; unchanged without a name to pull.
Error with_remedy(const Error& error, const std::string& pull_name);

// Calls `read`, which reads files of the model, and adds the remedy to its Errors, except for those of undamaged files.
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
