#include "stratoscope/session/final_norm.h"

#include <type_traits>
#include <utility>

#include "stratoscope/model/make_edit.h"

namespace stratoscope {

HookEdit without_final_norm(std::shared_ptr<const Start> start) {
  HookEdit edit;
  edit.at = {Hook::unembed_in, 0};
  edit.edit = make_edit([start = std::move(start)](const auto& value) {
    using T = std::remove_reference_t<decltype(*value.data)>;
    for (std::size_t row = 0; row < value.shape[0]; ++row)
      for (std::size_t i = 0; i < value.shape[2]; ++i)
        value(row, 0, i) = static_cast<T>(start->residual.matrix().row(value.first_position + row)[i]);
  });
  return edit;
}

}  // namespace stratoscope
