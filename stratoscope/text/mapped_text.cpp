#include "stratoscope/text/mapped_text.h"

namespace stratoscope {

MappedTextBuilder::MappedTextBuilder(const MappedText& from) : from_(from) {
  made_.text_.reserve(from.text().size() + from.text().size() / 4);
  made_.origins_.reserve(made_.text_.capacity());
}

void MappedTextBuilder::copy(std::size_t begin, std::size_t end) {
  made_.text_ += from_.text().substr(begin, end - begin);
  for (std::size_t i = begin; i < end; ++i) made_.origins_.push_back(static_cast<std::uint32_t>(from_.origin(i)));
  end_ = end;
}

void MappedTextBuilder::replace(std::size_t begin, std::size_t end, std::string_view content) {
  made_.text_ += content;
  const auto first = static_cast<std::uint32_t>(from_.origin(begin)),
             others = static_cast<std::uint32_t>(from_.origin(end));
  for (std::size_t i = 0; i < content.size(); ++i) made_.origins_.push_back(i == 0 ? first : others);
  end_ = end;
}

MappedText MappedTextBuilder::take() {
  made_.origins_.push_back(static_cast<std::uint32_t>(from_.origin(end_)));
  return std::move(made_);
}

}  // namespace stratoscope
