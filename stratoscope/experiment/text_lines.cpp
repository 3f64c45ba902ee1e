#include "stratoscope/experiment/text_lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"

namespace stratoscope {

TextLines::TextLines(const std::filesystem::path& path, Progress* progress)
    : name_(path == "-" ? "standard input" : path.string()), progress_(progress) {
  fd_ = path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) throw Error("texts", name_ + ": cannot be read: " + std::strerror(errno));
  struct stat info {};
  if (::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) total_ = static_cast<std::size_t>(info.st_size);
}

TextLines::~TextLines() { ::close(fd_); }

std::string TextLines::place() const { return name_ + ": line " + std::to_string(line_); }

// More of the file behind what is left in the buffer; false at its end.
bool TextLines::fill() {
  constexpr std::size_t kPiece = std::size_t{1} << 18;
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kPiece);
  ssize_t count = 0;
  do {
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
  while (const auto line = next_line()) {
    if (line->find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto json = parse_json(*line, "texts", place());
    if (!json.is_object() || !json.contains("text") || !json["text"].is_string())
      throw Error("texts", place() + ": has no field \"text\" with a string");
    return json["text"].get<std::string>();
  }
  return std::nullopt;
}

constexpr std::size_t kMostTogether = std::size_t{256} << 20;

std::vector<std::string> read_texts(const std::filesystem::path& path) {
  TextLines lines(path);
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  while (auto text = lines.next()) {
    constexpr std::size_t kOverhead = sizeof(std::string);
    bytes += text->size() + kOverhead;
    if (bytes > kMostTogether)
      throw Error("texts", path.string() + ": holds more than " + std::to_string(kMostTogether >> 20) + " MiB of texts",
                  "does it end?");
    texts.push_back(*std::move(text));
  }
  if (texts.empty()) throw Error("texts", path.string() + ": holds no text");
  return texts;
}

}  // namespace stratoscope
