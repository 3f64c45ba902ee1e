#include "stratoscope/corpus/sweep_journal.h"

#include <utility>
#include <vector>

namespace stratoscope {
namespace {

constexpr std::size_t kOfEveryPoint = 3;  // numbers: the value and the effect

}  // namespace

SweepJournal::SweepJournal(std::filesystem::path path, const std::string& description, Use use)
    : journal_(std::move(path), {"sweep", "a grid point", kOfEveryPoint}, description, use) {}

std::optional<GridValue> SweepJournal::known(std::size_t prompt, std::size_t point) const {
  const std::vector<double>* const numbers = journal_.known(prompt, point);
  if (numbers == nullptr) return std::nullopt;
  return GridValue{(*numbers)[0], {(*numbers)[1], (*numbers)[2]}, {numbers->begin() + kOfEveryPoint, numbers->end()}};
}

void SweepJournal::add(std::size_t prompt, std::size_t point, const GridValue& result) {
  std::vector<double> numbers = {result.value, result.effect.kl, result.effect.max_change};
  numbers.insert(numbers.end(), result.also.begin(), result.also.end());
  journal_.add(prompt, point, numbers);
}

}  // namespace stratoscope
