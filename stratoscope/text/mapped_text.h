// A text made of another one, and for each of its bytes the place in the other that it came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stratoscope {

class MappedText {
 public:
  MappedText() = default;
  // A text that is its own source; of less than 4 GiB.
  explicit MappedText(std::string text) : text_(std::move(text)) {}

  std::string_view text() const { return text_; }
  // Where in the source byte i came from, and for i = text().size() where the source's last used part ends. Ascending.
  std::size_t origin(std::size_t i) const { return origins_.empty() ? i : origins_[i]; }

 private:
  friend class MappedTextBuilder;
  std::string text_;
  std::vector<std::uint32_t> origins_;  // empty: byte i came from byte i
};

// Makes a text out of parts of another in order; origins are those of the other's source.
class MappedTextBuilder {
 public:
  explicit MappedTextBuilder(const MappedText& from);

  // Both throw Error where the text grows beyond 64 times its source and 16 MiB, or 4 GiB: steps of a tokenizer that
  // follow each other could make any text endless.
  // Bytes [begin, end) of the other as they are.
  void copy(std::size_t begin, std::size_t end);
  // `content` stands for bytes [begin, end): its first byte for all of them, so that a token that ends inside `content`
  // covers them and the next one nothing.
  void replace(std::size_t begin, std::size_t end, std::string_view content);

  std::size_t size() const { return made_.text_.size(); }
  MappedText take();

 private:
  void check_size() const;

  const MappedText& from_;
  MappedText made_;
  std::size_t end_ = 0;  // in the other, of the last part
};

}  // namespace stratoscope
