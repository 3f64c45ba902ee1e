// The similarity of a text's tokens at each depth: the laminar profile, printed and drawn.
//   similarity [TEXT [MODEL [FIGURE.svg]]]
#include <stratoscope/stratoscope.h>

#include <cstdio>

int main(int argc, char** argv) try {
  const char* text = argc > 1 ? argv[1] : "A wise man once said: Penguins are cute.";
  const stratoscope::Session session({.model = argc > 2 ? argv[2] : stratoscope::kBuiltInModel});

  // At each depth the cosine similarity of every pair of tokens, without the first token.
  const stratoscope::LaminarProfile profile = laminar_profile(session, {.text = text});
  for (std::size_t depth = 0; depth < profile.labels.size(); ++depth)
    std::printf("%-4s mean %.9f  median %.9f\n", profile.labels[depth].c_str(), profile.means[depth],
                profile.medians[depth]);

  if (argc > 3) save_figure(figure_of(profile), argv[3], stratoscope::Theme::light);
} catch (const stratoscope::Error& error) {
  std::fprintf(stderr, "similarity: %s\n", error.what());
  return 1;
}
