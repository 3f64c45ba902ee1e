#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/experiments/inspect.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {

void add_tokens(CLI::App& app, Program& program) {
  auto options = std::make_shared<CommonOptions>();
  CLI::App& command = *app.add_subcommand("tokens", "a text's tokens, ids and byte offsets; any length");
  add_model_options(command, *options, false);
  add_bos(command, *options);
  add_text(command, *options);
  command.callback([options, &program] {
    program.action = [options, &program] {
      const std::string text = text_of(*options);
      const Session session = open_session(*options, program);
      TextOptions text_options = options->text_options();
      text_options.check_context = false;
      const TokenCounts counts = count_tokens(session, text, text_options);
      warn_all(session.notes());
      if (options->json) return print_json(to_json(session, counts));
      print_header(session, counts.text);
      Table table({">index", ">id", ">bytes", "token"});
      for (std::size_t i = 0; i < counts.text.ids.size(); ++i) {
        const auto [begin, end] = counts.text.offsets[i];
        table.add({std::to_string(i), std::to_string(counts.text.ids[i]), fmt::format("{}:{}", begin, end),
                   token_label(counts.text.tokens[i])});
      }
      print(table.text());
      print("\n{} characters, {} different\n{} tokens, {} different\n", counts.characters, counts.unique_characters,
            counts.text.ids.size(), counts.unique);
    };
  });
}

}  // namespace stratoscope::cli
