// Texts from JSON lines, one after the other: a file of any length, a pipe, or standard input.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/progress.h"

namespace STRATOSCOPE_API stratoscope {

struct TextLinesOptions {
  bool empty_lines = false;      // a line of nothing, but at the end of the file, is an empty text; else it is skipped
  bool replace_invalid = false;  // bytes that are not UTF-8 and half surrogate pairs are read as U+FFFD
};

class TextLines {
 public:
  // A line that is longer is an error: it holds one text, and no model's context holds so much.
  static constexpr std::size_t kLongestLine = std::size_t{64} << 20;

  // "-" is standard input. Throws Error when it cannot be opened. `progress` is told how many bytes are behind us, of 0
  // where nobody knows how many there are, and asked whether to stop.
  explicit TextLines(const std::filesystem::path& path, Progress* progress = nullptr, TextLinesOptions options = {});
  ~TextLines();
  TextLines(const TextLines&) = delete;
  TextLines& operator=(const TextLines&) = delete;

  // The field "text" of the next line; nothing after the last. A byte-order mark before the first is skipped. Throws
  // Error with the line's number for what is no JSON object with a string "text", and when the file cannot be read.
  std::optional<std::string> next();
  // Where the last text stood: "texts.jsonl: line 3".
  std::string place() const;
  // How many characters were read as U+FFFD so far, and in how many lines.
  std::size_t replaced() const { return replaced_; }
  std::size_t repaired_lines() const { return repaired_lines_; }

 private:
  std::optional<std::string_view> next_line();
  bool fill();
  std::string text_of(std::string_view line);
  [[noreturn]] void refuse_content(std::string_view line, const Error& error) const;

  std::string name_;
  int fd_ = -1;
  Progress* progress_;
  TextLinesOptions options_;
  std::string buffer_;
  std::size_t at_ = 0;  // in the buffer
  std::size_t line_ = 0, read_ = 0, total_ = 0, replaced_ = 0, repaired_lines_ = 0;
  bool is_of_texts_ = false;          // a text was read
  std::size_t empty_ = 0;             // lines of nothing that no text has followed so far
  std::optional<std::string> ahead_;  // the text after them
};

// All texts of such a file at once. Throws Error as above, where it holds none, and where it holds more than 256 MiB.
std::vector<std::string> read_texts(const std::filesystem::path& path);

}  // namespace stratoscope
