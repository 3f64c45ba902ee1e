// A text derived from another one, with the source position of each of its bytes.
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
  // The source position of byte i; for i = text().size() the end of the last used part of the source. Ascending.
  std::size_t origin(std::size_t i) const { return origins_.empty() ? i : origins_[i]; }

 private:
  friend class MappedTextBuilder;
  std::string text_;
  std::vector<std::uint32_t> origins_;  // empty: byte i came from byte i
};

// Builds a text from parts of another one in order; origins refer to the source of the other.
class MappedTextBuilder {
 public:
  explicit MappedTextBuilder(const MappedText& from);

  // Both throw Error if the text exceeds 64 times its source and 16 MiB, or 4 GiB: repeated steps of a tokenizer could
  // increase it without limit.
  // Appends bytes [begin, end) of the other text unchanged.
  void copy(std::size_t begin, std::size_t end);
  // Replaces bytes [begin, end) by `content`, whose first byte stands for all of them: a token that ends inside
  // `content` covers them, and the next one nothing.
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
