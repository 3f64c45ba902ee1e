// The dependence of a prediction on each block: a sweep that scales each block's output and reads the target's
// log-probability.
//   sweep [TEXT [MODEL [TARGET [FACTOR]]]]
#include <stratoscope/stratoscope.h>

#include <cstdio>
#include <string>

int main(int argc, char** argv) try {
  const char* text = argc > 1 ? argv[1]
                              : "As Gregor Samsa awoke one morning from uneasy dreams, "
                                "he found himself transformed in his bed into a gigantic";
  const stratoscope::Session session({.model = argc > 2 ? argv[2] : stratoscope::kBuiltInModel});
  const char* target = argc > 3 ? argv[3] : " insect";
  const std::string factor = argc > 4 ? argv[4] : "0.8";

  const stratoscope::SweepExperiment sweep =
      sweep_text(session, {.text = text,
                           .edits = {"blocks.{layer}.hook_resid_post *= " + factor},
                           .axes = {"layer=all"},
                           .targets = {{.text = target}},
                           .metric = stratoscope::Metric::log_prob});

  std::printf("clean     %.9f\n", sweep.result.clean);
  for (std::size_t i = 0; i < sweep.result.values.size(); ++i)
    std::printf("block %2s  %.9f\n", sweep.axes[0].values[i].c_str(), sweep.result.values[i]);
  for (const std::string& warning : sweep.warnings) std::fprintf(stderr, "sweep: warning: %s\n", warning.c_str());
} catch (const stratoscope::Error& error) {
  std::fprintf(stderr, "sweep: %s\n%s", error.what(), error.details().c_str());
  return 1;
}
