#include "stratoscope/text/mapped_text.h"

#include <algorithm>
#include <limits>

#include "stratoscope/base/error.h"

namespace stratoscope {

MappedTextBuilder::MappedTextBuilder(const MappedText& from) : from_(from) {
  made_.text_.reserve(from.text().size() + from.text().size() / 4 + 4);
  made_.origins_.reserve(made_.text_.capacity());
}

void MappedTextBuilder::copy(std::size_t begin, std::size_t end) {
  made_.text_ += from_.text().substr(begin, end - begin);
  for (std::size_t i = begin; i < end; ++i) made_.origins_.push_back(static_cast<std::uint32_t>(from_.origin(i)));
  end_ = end;
  check_size();
}

void MappedTextBuilder::replace(std::size_t begin, std::size_t end, std::string_view content) {
  made_.text_ += content;
  const auto first = static_cast<std::uint32_t>(from_.origin(begin)),
             others = static_cast<std::uint32_t>(from_.origin(end));
  for (std::size_t i = 0; i < content.size(); ++i) made_.origins_.push_back(i == 0 ? first : others);
  end_ = end;
  check_size();
}

void MappedTextBuilder::check_size() const {
  constexpr std::uint64_t kAlways = std::uint64_t{16} << 20, kTimes = 64;
  const std::uint64_t source = from_.origin(from_.text().size());
  const std::uint64_t most =
      std::min<std::uint64_t>(kAlways + kTimes * source, std::numeric_limits<std::uint32_t>::max() - 1);
  if (made_.text_.size() > most)
    throw Error("tokenizer",
                "its steps make a text of " + std::to_string(source) + " bytes longer than " + std::to_string(most));
}

MappedText MappedTextBuilder::take() {
  made_.origins_.push_back(static_cast<std::uint32_t>(from_.origin(end_)));
  return std::move(made_);
}

}  // namespace stratoscope
