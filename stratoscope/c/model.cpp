// Opening a model, and its weights.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/c/call.h"
#include "stratoscope/c/callbacks.h"
#include "stratoscope/c/handles.h"
#include "stratoscope/request/json_fields.h"
#include "stratoscope/session/pulled_session.h"

namespace stratoscope::c {
namespace {

struct OpenRequest {
  std::string model = kBuiltInModel;
  std::string precision = "fp32";
  std::size_t threads = 0;
  bool pull = false;
};

void describe(OpenRequest& request, Fields& fields) {
  fields.add("model", request.model, "a model's name, or a folder in Hugging Face layout");
  fields.add("precision", request.precision, "fp32, bf16 or fp64");
  fields.add("threads", request.threads, "worker threads; 0: all cores").range(0, kMostThreads);
  fields.add("pull", request.pull, "download what is missing");
}

Session open(const char* text, Progress& progress) {
  OpenRequest request;
  Fields fields;
  describe(request, fields);
  if (text != nullptr) read_json(fields, parse_json(text, "request", "the options"));
  SessionOptions options;
  options.model = request.model;
  options.precision = parse_precision(request.precision);
  options.threads = static_cast<int>(request.threads);
  try {
    if (!request.pull) return Session(options);
    options.progress = &progress;
    return open_or_pull(options).with_progress(nullptr);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    throw StatusError(STRATOSCOPE_MODEL, error.where(), error.problem(), error.hint());
  }
}

// The names of all tensors, with their formats and shapes, as JSON.
std::string names_of_tensors(const Checkpoint& checkpoint) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [name, tensor] : checkpoint.stored_tensors())
    list.push_back({{"name", name}, {"format", tensor->type}, {"shape", tensor->shape}});
  return list.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// The numbers where they lie in the file, or a copy where they are not aligned there.
const void* aligned_numbers(const stratoscope_model& model, const StoredTensor& tensor) {
  if (reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % size_of(tensor.dtype) == 0) return tensor.bytes.data();
  std::vector<std::max_align_t> copy(tensor.bytes.size() / sizeof(std::max_align_t) + 1);
  std::memcpy(copy.data(), tensor.bytes.data(), tensor.bytes.size());
  return model.aligned_tensors.emplace_back(std::move(copy)).data();
}

const ArrayHeader& tensor_of(const stratoscope_model& model, const std::string& name) {
  if (const auto known = model.tensors.find(name); known != model.tensors.end()) return *known->second;
  const Checkpoint& checkpoint = model.session.checkpoint();
  const StoredTensor* tensor = checkpoint.find(name);
  if (tensor == nullptr) {
    std::vector<std::string> names;
    for (const auto& [stored, ignored] : checkpoint.stored_tensors()) names.push_back(stored);
    throw StatusError(STRATOSCOPE_UNKNOWN, "tensor", "there is no " + in_quotes(name) + " among the weights",
                      did_you_mean(name, names));
  }
  if (tensor->dtype == DType::unreadable)
    throw Error("tensor", in_quotes(name) + " holds numbers of the type " + in_quotes(tensor->type),
                "it cannot be read");
  auto header = std::make_unique<ArrayHeader>(name, tensor->dtype, tensor->shape,
                                              const_cast<void*>(aligned_numbers(model, *tensor)), true);
  return *model.tensors.emplace(name, std::move(header)).first->second;
}

}  // namespace
}  // namespace stratoscope::c

using stratoscope::c::call;
using stratoscope::c::call_quietly;
using stratoscope::c::CallerProgress;
using stratoscope::c::check_pointer;
using stratoscope::c::names_of_tensors;
using stratoscope::c::open;
using stratoscope::c::tensor_of;

int stratoscope_open(const char* options, const stratoscope_callbacks* callbacks, stratoscope_model** model) {
  return call([&] {
    check_pointer(model, "model");
    CallerProgress progress(callbacks);
    const stratoscope::CancellationScope scope(&progress);
    *model = new stratoscope_model(open(options, progress));
  });
}

void stratoscope_close(stratoscope_model* model) {
  call_quietly([model] { delete model; });
}

int stratoscope_tensor(const stratoscope_model* model, const char* name, stratoscope_array* array, const char** names) {
  return call([&] {
    check_pointer(model, "model");
    const std::lock_guard one_at_a_time(model->mutex);
    if (name != nullptr) {
      check_pointer(array, "array");
      *array = tensor_of(*model, name).array();
    }
    if (names == nullptr) return;
    if (model->tensor_names.empty()) model->tensor_names = names_of_tensors(model->session.checkpoint());
    *names = model->tensor_names.c_str();
  });
}
