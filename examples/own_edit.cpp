// An edit that no expression can describe: the residual stream of each token is limited in length.
//   own_edit [TEXT [MODEL [LIMIT]]]
#include <stratoscope/stratoscope.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) try {
  const char* text = argc > 1 ? argv[1]
                              : "As Gregor Samsa awoke one morning from uneasy dreams, "
                                "he found himself transformed in his bed into a gigantic";
  const stratoscope::Session session({.model = argc > 2 ? argv[2] : stratoscope::kBuiltInModel});
  const double limit = argc > 3 ? std::atof(argv[3]) : 100;

  // The axes of this value are [position, 1, d_model]; points with heads have them in the middle.
  const auto shorten = stratoscope::make_edit([limit](const auto& value) {
    for (std::size_t position = 0; position < value.shape[0]; ++position) {
      double sum = 0;
      for (std::size_t i = 0; i < value.shape[2]; ++i) sum += value(position, 0, i) * value(position, 0, i);
      if (std::sqrt(sum) <= limit) continue;
      for (std::size_t i = 0; i < value.shape[2]; ++i) value(position, 0, i) *= limit / std::sqrt(sum);
    }
  });
  std::vector<stratoscope::HookEdit> edits;
  for (const stratoscope::HookPoint point :
       stratoscope::match_hook_points("blocks.*.hook_resid_post", session.config()))
    edits.push_back({.at = point, .edit = shorten});

  const auto run = session.model().run({.sequences = {session.read(text).ids}, .edits = edits});
  const auto logits = run.logits.matrix().row_span(run.rows() - 1);
  for (const auto id : stratoscope::most_likely(logits, 5))
    std::printf("%5d  %-12s log-probability %.9f\n", id, session.token_text(id).c_str(),
                stratoscope::log_softmax(logits)[static_cast<std::size_t>(id)]);
} catch (const stratoscope::Error& error) {
  std::fprintf(stderr, "own_edit: %s\n", error.what());
  return 1;
}
