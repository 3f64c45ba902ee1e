#include "stratoscope/corpus/sweep_journal.h"

#include <array>
#include <utility>

namespace stratoscope {

SweepJournal::SweepJournal(std::filesystem::path path, const std::string& description, Use use)
    : journal_(std::move(path), {"sweep", "a grid point", 3}, description, use) {}

std::optional<GridValue> SweepJournal::known(std::size_t prompt, std::size_t point) const {
  const std::vector<double>* const numbers = journal_.known(prompt, point);
  if (numbers == nullptr) return std::nullopt;
  return GridValue{(*numbers)[0], {(*numbers)[1], (*numbers)[2]}};
}

void SweepJournal::add(std::size_t prompt, std::size_t point, const GridValue& result) {
  journal_.add(prompt, point, std::array{result.value, result.effect.kl, result.effect.max_change});
}

}  // namespace stratoscope
