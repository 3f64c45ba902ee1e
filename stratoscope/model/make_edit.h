// An edit written as a function, for changes that no expression can describe.
#pragma once

#include <memory>
#include <utility>

#include "stratoscope/base/api.h"
#include "stratoscope/model/run.h"

namespace STRATOSCOPE_API stratoscope {

// `rewrite` is called with the HookValue<float> of an engine's run or the HookValue<double> of a reference run, so that
// it takes `const auto& value`. Runs on several threads may call it at once.
template <class Rewrite>
std::shared_ptr<const Edit> make_edit(Rewrite rewrite) {
  class Made : public Edit {
   public:
    explicit Made(Rewrite function) : rewrite_(std::move(function)) {}
    void apply(const HookValue<float>& value) const override { rewrite_(value); }
    void apply(const HookValue<double>& value) const override { rewrite_(value); }

   private:
    Rewrite rewrite_;
  };
  return std::make_shared<const Made>(std::move(rewrite));
}

}  // namespace stratoscope
