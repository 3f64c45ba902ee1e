#include "stratoscope/session/alignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "stratoscope/session/labels.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

// The length of the longest common subsequence of the tokens from i and from j on.
class CommonTokens {
 public:
  CommonTokens(const TokenIds& a, const TokenIds& b)
      : width_(b.size() + 1), lengths_((a.size() + 1) * (b.size() + 1), 0) {
    for (std::size_t i = a.size(); i-- > 0;)
      for (std::size_t j = b.size(); j-- > 0;)
        lengths_[i * width_ + j] = a[i] == b[j] ? 1 + from(i + 1, j + 1) : std::max(from(i + 1, j), from(i, j + 1));
  }
  std::uint32_t from(std::size_t i, std::size_t j) const { return lengths_[i * width_ + j]; }

 private:
  std::size_t width_;
  std::vector<std::uint32_t> lengths_;
};

using Places = std::vector<std::size_t>;

class Lines {
 public:
  Lines(const Text& left, const Text& right) : left_(left), right_(right) {
    for (const std::string& token : left.tokens) width_ = std::max(width_, count_code_points(token_label(token)));
  }

  void add(const Places& left, const Places& right) {
    for (std::size_t k = 0; k < std::max(left.size(), right.size()); ++k) {
      const std::string token = k < left.size() ? token_label(left_.tokens[left[k]]) : "";
      std::string line = fmt::format("  {:>4}  {}{}", k < left.size() ? std::to_string(left[k]) : "", token,
                                     std::string(width_ - count_code_points(token), ' '));
      if (k < right.size()) line += fmt::format("  {:>4}  {}", right[k], token_label(right_.tokens[right[k]]));
      text += line.erase(line.find_last_not_of(' ') + 1) + '\n';
    }
  }

  std::string text;

 private:
  const Text &left_, &right_;
  std::size_t width_ = 0;
};

}  // namespace

std::string side_by_side(const Text& text, const Text& corrupt) {
  const CommonTokens common(text.ids, corrupt.ids);
  Lines lines(text, corrupt);
  Places left, right;  // between two lines with a shared token
  std::size_t i = 0, j = 0;
  while (i < text.ids.size() || j < corrupt.ids.size()) {
    const bool both = i < text.ids.size() && j < corrupt.ids.size();
    if (both && text.ids[i] == corrupt.ids[j]) {
      lines.add(left, right);
      left.clear();
      right.clear();
      lines.add({i++}, {j++});
    } else if (!both ? j < corrupt.ids.size() : common.from(i, j + 1) > common.from(i + 1, j)) {
      right.push_back(j++);
    } else {
      left.push_back(i++);
    }
  }
  lines.add(left, right);
  return lines.text;
}

}  // namespace stratoscope
