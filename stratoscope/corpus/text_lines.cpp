#include "stratoscope/corpus/text_lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/mistaken_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/corpus/text_repair.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostTogether = std::size_t{256} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr const char* kOneALine = "one JSON object a line, with nothing between the lines";

std::string kind_of(const nlohmann::json& json) {
  if (json.is_array()) return "a list";
  if (json.is_object()) return "an object";
  if (json.is_boolean()) return "true or false";
  return json.is_null() ? "null" : json.is_string() ? "a string" : "a number";
}

std::string fields_of(const nlohmann::json& object) {
  constexpr std::size_t kFieldsShown = 8;
  if (object.empty()) return "its object is empty";
  std::string names;
  std::size_t shown = 0;
  for (const auto& [name, value] : object.items()) {
    if (shown == kFieldsShown) return "its fields are " + names + ", …";
    names += (shown++ == 0 ? "" : ", ") + in_quotes(name);
  }
  return "its fields are " + names;
}

}  // namespace

TextLines::TextLines(const std::filesystem::path& path, Progress* progress, TextLinesOptions options)
    : name_(path == "-" ? "standard input" : path.string()), progress_(progress), options_(options) {
  fd_ = path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) throw Error("texts", name_ + ": cannot be read: " + std::strerror(errno));
  struct stat info {};
  if (::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) total_ = static_cast<std::size_t>(info.st_size);
}

TextLines::~TextLines() { ::close(fd_); }

std::string TextLines::place() const { return name_ + ": line " + std::to_string(line_); }

// Reads more of the file after the rest in the buffer; false at the end of the file.
bool TextLines::fill() {
  constexpr std::size_t kPiece = std::size_t{1} << 18;
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kPiece);
  ssize_t count = 0;
  do {
    throw_if_cancelled();
    if (progress_ != nullptr) progress_->throw_if_cancelled();
    count = ::read(fd_, buffer_.data() + before, kPiece);
  } while (count < 0 && errno == EINTR);
  if (count < 0) throw Error("texts", name_ + ": cannot be read: " + std::strerror(errno));
  buffer_.resize(before + static_cast<std::size_t>(count));
  read_ += static_cast<std::size_t>(count);
  if (progress_ != nullptr) progress_->update("bytes of texts", total_ == 0 ? read_ : std::min(read_, total_), total_);
  return count > 0;
}

std::optional<std::string_view> TextLines::next_line() {
  throw_if_cancelled();
  std::size_t end = buffer_.find('\n', at_);
  while (end == std::string::npos) {
    const std::size_t seen = buffer_.size() - at_;
    if (seen > kLongestLine)
      throw Error("texts", name_ + ": line " + std::to_string(line_ + 1) + " is longer than " +
                               std::to_string(kLongestLine >> 20) + " MiB");
    if (!fill()) {
      if (at_ == buffer_.size()) return std::nullopt;
      end = buffer_.size();
      break;
    }
    end = buffer_.find('\n', at_ + seen);
  }
  const std::string_view line = std::string_view{buffer_}.substr(at_, end - at_);
  at_ = std::min(end + 1, buffer_.size());
  ++line_;
  return line;
}

std::optional<std::string> TextLines::next() {
  if (ahead_ && empty_ > 0) {
    --empty_;
    return "";
  }
  if (ahead_) return std::exchange(ahead_, std::nullopt);
  while (const auto line = next_line()) {
    std::string_view content = *line;
    if (line_ == 1 && content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) {
      if (options_.empty_lines) ++empty_;
      continue;
    }
    std::string text = text_of(content);
    is_of_texts_ = true;
    if (empty_ == 0) return text;
    --empty_;
    ahead_ = std::move(text);
    return "";
  }
  return std::nullopt;
}

std::string TextLines::text_of(std::string_view line) {
  std::string repaired;
  if (options_.replace_invalid) {
    repaired = line;
    const std::size_t count = replace_invalid(repaired);
    replaced_ += count;
    repaired_lines_ += count > 0 ? 1 : 0;
    line = repaired;
  }
  nlohmann::json json;
  try {
    json = parse_json(line, "texts", place());
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    refuse_content(line, error);
  }
  const std::string lacks = place() + ": has no field \"text\"";
  if (!json.is_object()) throw Error("texts", lacks + ": it is not a JSON object but " + kind_of(json), kOneALine);
  const auto text = json.find("text");
  if (text == json.end()) throw Error("texts", lacks, fields_of(json));
  if (!text->is_string()) throw Error("texts", lacks + " with a string: it is " + kind_of(*text));
  return text->get<std::string>();
}

// A clearer reason than that of the JSON library why a line could not be read, if there is one.
void TextLines::refuse_content(std::string_view line, const Error& error) const {
  if (!is_of_texts_) refuse_mistaken_text(line, "texts", name_);
  if (const std::size_t at = find_invalid_utf8(line); at < line.size())
    throw Error("texts", place() + ": is not UTF-8 at its byte " + std::to_string(at + 1),
                "--replace-invalid reads such bytes as U+FFFD");
  if (const std::size_t at = find_lone_surrogate(line); at < line.size())
    throw Error("texts",
                place() + ": holds half of a surrogate pair, " + std::string(line.substr(at, 6)) + ", at its byte " +
                    std::to_string(at + 1) + ", which is not a character",
                "--replace-invalid reads it as U+FFFD");
  throw Error("texts", error.problem(), kOneALine);
}

std::vector<std::string> read_texts(const std::filesystem::path& path) {
  TextLines lines(path);
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  while (auto text = lines.next()) {
    constexpr std::size_t kOverhead = sizeof(std::string);
    bytes += text->size() + kOverhead;
    if (bytes > kMostTogether)
      throw Error("texts", path.string() + ": holds more than " + std::to_string(kMostTogether >> 20) + " MiB of texts",
                  "is it endless?");
    texts.push_back(*std::move(text));
  }
  if (texts.empty()) throw Error("texts", path.string() + ": holds no text");
  return texts;
}

std::string read_whole_text(const std::filesystem::path& path) {
  std::string text = read_text_file(path, kMostTogether);
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  if (text.empty()) throw Error("texts", path.string() + ": holds no text");
  return text;
}

std::vector<std::string> read_text_per_line(const std::filesystem::path& path) {
  const std::string text = read_whole_text(path);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t") != std::string::npos) lines.push_back(std::move(line));
  }
  if (lines.empty()) throw Error("texts", path.string() + ": holds no text");
  return lines;
}

}  // namespace stratoscope
