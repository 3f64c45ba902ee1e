#include "stratoscope/c/callbacks.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "stratoscope/base/threads.h"
#include "stratoscope/c/call.h"

namespace stratoscope::c {

CallerProgress::CallerProgress(const stratoscope_callbacks* callbacks) {
  if (callbacks == nullptr) return;
  if (callbacks->size < offsetof(stratoscope_callbacks, user) + sizeof callbacks->user)
    throw StatusError(STRATOSCOPE_USAGE, "call", "the callbacks' size is " + std::to_string(callbacks->size),
                      "set it to sizeof(stratoscope_callbacks)");
  std::memcpy(&callbacks_, callbacks, std::min(callbacks->size, sizeof callbacks_));
}

void CallerProgress::stop_unless(const std::function<int()>& callback) const {
  const UnboundScope unbound;
  if (callback() != 0) stopped_ = true;
}

void CallerProgress::ask() const {
  asked_ = Clock::now();
  stop_unless([this] { return callbacks_.progress(callbacks_.user, task_.c_str(), done_, total_); });
}

// Of parallel work only the caller's thread reports, and it reports the newest number.
void CallerProgress::update(const char* what, std::size_t done, std::size_t total) {
  if (callbacks_.progress == nullptr || stopped_ || !is_caller()) return;
  task_ = what;
  done_ = done;
  total_ = total;
  ask();
  throw_if_cancelled();
}

void CallerProgress::update_parts(std::span<const ProgressPart> parts) {
  std::size_t done = 0, total = 0;
  for (const ProgressPart& part : parts) {
    done += part.done;
    total += part.total;
  }
  if (!parts.empty()) update("download", done, total);
}

bool CallerProgress::cancelled() const {
  constexpr auto kPatience = std::chrono::milliseconds(10);
  if (callbacks_.progress != nullptr && !stopped_ && is_caller() && Clock::now() - asked_ >= kPatience) ask();
  return stopped_;
}

void CallerProgress::event(const std::string& name, const std::string& json) {
  stop_unless([&] { return callbacks_.event(callbacks_.user, name.c_str(), json.c_str()); });
  throw_if_cancelled();
}

class CallerProgress::CallbackEdit : public Edit {
 public:
  CallbackEdit(const CallerProgress& caller, HookPoint point, std::size_t sequence, std::size_t rank)
      : caller_(caller), name_(name_of(point)), sequence_(sequence), rank_(rank) {}

  void apply(const HookValue<float>& value) const override { apply_to(value, "F32"); }
  void apply(const HookValue<double>& value) const override { apply_to(value, "F64"); }

 private:
  template <class T>
  void apply_to(const HookValue<T>& value, const char* format) const {
    std::array<std::size_t, 3> shape = value.shape;
    std::array<std::ptrdiff_t, 3> strides{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      strides[axis] = static_cast<std::ptrdiff_t>(value.stride[axis] * sizeof(T));
    if (rank_ == 2) {
      shape[1] = shape[2];
      strides[1] = strides[2];
    }
    const stratoscope_value given{name_.c_str(), sequence_,    value.first_position, value.data,
                                  rank_,         shape.data(), strides.data(),       format};
    caller_.stop_unless([&] { return caller_.callbacks_.edit(caller_.callbacks_.user, &given); });
    caller_.throw_if_cancelled();
  }

  const CallerProgress& caller_;
  std::string name_;
  std::size_t sequence_, rank_;
};

std::shared_ptr<const Edit> CallerProgress::edit_of(HookPoint point, std::size_t sequence, const ModelConfig& config) {
  return std::make_shared<const CallbackEdit>(*this, point, sequence, axes_of(point, config).size());
}

}  // namespace stratoscope::c
