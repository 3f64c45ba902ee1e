// The hidden states of a text: the spread of its last token's activations at each depth, and all numbers in a file.
//   hidden_states [TEXT [MODEL [FILE.safetensors]]]
#include <stratoscope/stratoscope.h>

#include <cstdio>

int main(int argc, char** argv) try {
  const char* text = argc > 1 ? argv[1] : "A wise man once said: Penguins are cute.";
  const stratoscope::Session session({.model = argc > 2 ? argv[2] : stratoscope::kBuiltInModel});

  const stratoscope::Text tokens = session.read(text);
  const auto run = session.model().run({.sequences = {tokens.ids}});

  // [n_layers + 1, tokens, d_model]: a slice is one depth, a row of it one token. The last depth is after the final
  // norm.
  std::printf("token \"%s\"\n", tokens.tokens.back().c_str());
  for (std::size_t depth = 0; depth < session.config().n_hidden_states(); ++depth) {
    const auto token = run.hidden_states.slice(depth).row_span(tokens.ids.size() - 1);
    const stratoscope::Statistics s = stratoscope::statistics(token);
    std::printf("depth %2zu  variance %.9g  norm %.9g\n", depth, s.variance, s.norm);
  }

  if (argc > 3) {
    const stratoscope::ArrayView arrays[] = {array_view("hidden_states", run.hidden_states),
                                             array_view("logits", run.logits)};
    stratoscope::save_arrays(argv[3], arrays);
  }
} catch (const stratoscope::Error& error) {
  std::fprintf(stderr, "hidden_states: %s\n", error.what());
  return 1;
}
