// Reads texts from JSON lines, one by one: from a file of any length, a pipe, or standard input.
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
  bool empty_lines = false;      // an empty line before the last text is an empty text; else it is skipped
  bool replace_invalid = false;  // invalid UTF-8 and lone surrogates are read as U+FFFD
};

class TextLines {
 public:
  // Limit of a line; no model's context holds a longer text.
  static constexpr std::size_t kLongestLine = std::size_t{64} << 20;

  // "-" is standard input. Throws Error if it cannot be opened. `progress` gets the number of bytes read and the size
  // of the file, 0 if unknown, and may cancel.
  explicit TextLines(const std::filesystem::path& path, Progress* progress = nullptr, TextLinesOptions options = {});
  ~TextLines();
  TextLines(const TextLines&) = delete;
  TextLines& operator=(const TextLines&) = delete;

  // The field "text" of the next line; nullopt after the last. Skips a byte-order mark. Throws Error with the line's
  // number for a line that is not a JSON object with a string "text", and if the file cannot be read.
  std::optional<std::string> next();
  // The place of the last text: "texts.jsonl: line 3".
  std::string place() const;
  // Number of characters read as U+FFFD so far, and of lines with them.
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
  std::size_t at_ = 0;  // index in the buffer
  std::size_t line_ = 0, read_ = 0, total_ = 0, replaced_ = 0, repaired_lines_ = 0;
  bool is_of_texts_ = false;          // a text has been read
  std::size_t empty_ = 0;             // number of empty lines since the last text
  std::optional<std::string> ahead_;  // the next text, after the empty lines
};

// All texts of such a file. Throws Error as above, for a file without texts, and for one over 256 MiB.
std::vector<std::string> read_texts(const std::filesystem::path& path);

// The lines of a plain text file, without empty ones and without their ends (LF or CR LF); and the whole file. A
// byte-order mark is skipped. Both throw Error for a file that cannot be read, is over 256 MiB, or holds no text.
std::vector<std::string> read_text_per_line(const std::filesystem::path& path);
std::string read_whole_text(const std::filesystem::path& path);

}  // namespace stratoscope
