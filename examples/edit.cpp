// The probability of a next word, without and with an edit of a value in the model.
//   edit [TEXT [MODEL [WORD [EXPRESSION]]]]
#include <stratoscope/stratoscope.h>

#include <cstdio>

int main(int argc, char** argv) try {
  const char* text = argc > 1 ? argv[1]
                              : "As Gregor Samsa awoke one morning from uneasy dreams, "
                                "he found himself transformed in his bed into a gigantic";
  const stratoscope::Session session({.model = argc > 2 ? argv[2] : stratoscope::kBuiltInModel});
  const char* word = argc > 3 ? argv[3] : " insect";
  const char* expression = argc > 4 ? argv[4] : "blocks.3.hook_resid_post *= 0.8";

  const stratoscope::Text tokens = session.read(text);
  const auto target = static_cast<std::size_t>(session.read(word).ids[0]);
  const auto log_prob = [&](const std::vector<stratoscope::HookEdit>& edits) {
    const auto run = session.model().run(
        {.sequences = {tokens.ids}, .edits = edits, .hidden_states = false, .logits = stratoscope::LogitRows::last});
    return stratoscope::log_softmax(run.logits.matrix().row_span(0))[target];
  };

  const double clean = log_prob({});
  const double edited = log_prob(resolve_edits(session, tokens, {{expression}}));
  std::printf("log-probability of \"%s\"\nclean   %.9f\nedited  %.9f\n", word, clean, edited);
} catch (const stratoscope::Error& error) {
  std::fprintf(stderr, "edit: %s\n%s", error.what(), error.details().c_str());
  return 1;
}
