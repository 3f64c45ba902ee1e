#include "stratoscope/session/continued_text.h"

#include <algorithm>

namespace stratoscope {

Text read_to_continue(const Session& session, const TextInput& input, const TextOptions& options, std::size_t max_new) {
  if (!options.truncate) return session.read(input, options);
  const std::size_t context = session.config().n_ctx,
                    kept_first = input.ids.empty() ? session.added_tokens(options.added).first.size() : 0;
  const std::size_t most = std::max(max_new < context ? context - max_new : context / 2, kept_first + 1);
  TextOptions whole = options;
  whole.check_context = false;
  Text text = session.read(input, whole);
  if (text.ids.empty() || text.ids.size() <= most) return session.read(input, options);
  const std::size_t cut = text.ids.size() - most;
  const std::size_t begin = text.offsets[kept_first + cut].first;
  const auto erase = [&](auto& list) {
    const auto first = list.begin() + static_cast<std::ptrdiff_t>(kept_first);
    list.erase(first, first + static_cast<std::ptrdiff_t>(cut));
  };
  text.notes.push_back("the first " + std::to_string(cut) + " of " + std::to_string(text.ids.size()) +
                       " tokens were cut, so that the model's context of " + std::to_string(context) +
                       " has room for " + std::to_string(max_new) + " new ones after the end of the text");
  erase(text.ids);
  erase(text.tokens);
  erase(text.offsets);
  text.text.erase(0, begin);
  for (std::size_t i = kept_first; i < text.offsets.size(); ++i) {
    text.offsets[i].first -= begin;
    text.offsets[i].second -= begin;
  }
  return text;
}

}  // namespace stratoscope
