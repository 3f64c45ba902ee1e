#include "stratoscope/experiments/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

// The hook point with the largest error of each hook; --json and the figure have every depth.
void print_result(const Verification& result) {
  Table table({"hook point", ">largest error", ">relative to its row", "worst at"});
  for (const HookInfo& info : hook_table()) {
    const PointError* worst = nullptr;
    double max_abs = 0;
    for (const PointError& error : result.errors) {
      if (error.at.hook != info.hook) continue;
      max_abs = std::max(max_abs, error.max_abs);
      if (worst == nullptr || error.max_rel > worst->max_rel) worst = &error;
    }
    if (worst == nullptr) continue;  // no hook of this model
    table.add({std::string(info.name), short_number(max_abs, 3), short_number(worst->max_rel, 3),
               info.scope == Scope::block ? block_label(worst->at.layer) : ""});
  }
  print(table.text());
}

void print_all(const Session& session, const VerifyRequest&, const Verification& result) {
  print_header(session, result.text);
  print("{} against the plain float64 path\n", name_of(session.precision()));
  print_result(result);
  print_effect(result.effect);
}

}  // namespace

Presentation present_verify() { return present<VerifyRequest, Verification>(print_all); }

}  // namespace stratoscope::cli
