// The new text of a generation in the form that is shown: whole characters, and no part of a stop text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

class GrowingText {
 public:
  // Throws Error for an empty stop text.
  explicit GrowingText(std::vector<std::string> stops);

  // Adds a token's bytes; returns the text that can be shown now: it ends with a whole character and has no beginning
  // of a stop text. After a stop text nothing more is shown.
  std::string add(std::string_view bytes);
  bool stopped() const { return stopped_; }
  // The text that was held back, to be shown at the end; an incomplete character becomes U+FFFD.
  std::string rest();
  // All text that was shown.
  const std::string& shown() const { return shown_; }

 private:
  std::string show(std::size_t count);

  std::vector<std::string> stops_;
  std::string held_, shown_;
  bool stopped_ = false;
};

}  // namespace stratoscope
