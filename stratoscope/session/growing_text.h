// The new text of a generation as a reader may see it: whole characters, and nothing of a stop text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

class GrowingText {
 public:
  // Throws Error for an empty stop text.
  explicit GrowingText(std::vector<std::string> stops);

  // Adds a token's bytes; returns what can be shown now: it ends with a whole character and holds no beginning of a
  // stop text. Behind a stop text nothing is shown any more.
  std::string add(std::string_view bytes);
  bool stopped() const { return stopped_; }
  // What was held back, once no more comes; a character that was cut short becomes U+FFFD.
  std::string rest();
  // All that was shown.
  const std::string& shown() const { return shown_; }

 private:
  std::string show(std::size_t count);

  std::vector<std::string> stops_;
  std::string held_, shown_;
  bool stopped_ = false;
};

}  // namespace stratoscope
