// A request of any experiment through the C interface: the first line is the experiment's name, the rest its JSON. It
// is refused with an error, or gives a document that is JSON, arrays and perhaps a figure. The model is tiny, so that
// every experiment ends at once.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "stratoscope/c/stratoscope.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

// Long work is stopped, as a user would.
int stop_soon(void* user, const char*, std::size_t, std::size_t) { return ++*static_cast<int*>(user) > 200 ? 1 : 0; }
int stop_events(void* user, const char*, const char* json) {
  static_cast<void>(nlohmann::json::parse(json));
  return stop_soon(user, nullptr, 0, 0);
}

stratoscope_model* open_tiny() {
  static const test::TestModelFolder folder({2, 2, 8, 12, 24, 8192});
  std::filesystem::copy(std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "models/novella-7m/tokenizer.json",
                        folder.path() / "tokenizer.json");
  stratoscope_model* model = nullptr;
  const std::string options = nlohmann::json{{"model", folder.path().string()}, {"threads", 1}}.dump();
  fuzz::require(stratoscope_open(options.c_str(), nullptr, &model) == STRATOSCOPE_OK,
                stratoscope_last_error()->problem);
  return model;
}

void use(const stratoscope_result* result) {
  fuzz::require(nlohmann::json::parse(stratoscope_result_json(result)).is_object(), "a document is a JSON object");
  double sum = 0;
  for (std::size_t i = 0; i < stratoscope_result_array_count(result); ++i) {
    stratoscope_array array{};
    fuzz::require(stratoscope_result_array(result, i, &array) == STRATOSCOPE_OK, "an array can be had");
    std::size_t bytes = array.rank == 0 ? 0 : array.shape[0] * static_cast<std::size_t>(array.strides[0]);
    for (const auto* byte = static_cast<const unsigned char*>(array.data); bytes > 0; --bytes) sum += *byte++;
  }
  fuzz::require(sum >= 0, "the numbers can be read");
  const char* figure = nullptr;
  std::size_t size = 0;
  if (stratoscope_result_figure(result, "vl.json", "light", &figure, &size) == STRATOSCOPE_OK)
    fuzz::require(nlohmann::json::parse(std::string(figure, size)).is_object(), "a figure is a JSON object");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static stratoscope_model* const model = open_tiny();
  const std::string_view input = fuzz::as_text(data, size);
  const auto parts = fuzz::halves(input, '\n');
  if (!parts || input.find('\0') != std::string_view::npos) return 0;
  const std::string name(parts->first), body(parts->second);
  // Files of this machine are left alone, whose names an escape could hide.
  for (const char* part : {"save", "resume", "/", "\\u"})
    if (body.find(part) != std::string::npos) return 0;
  int calls = 0;
  stratoscope_callbacks callbacks{};
  callbacks.size = sizeof callbacks;
  callbacks.user = &calls;
  callbacks.progress = stop_soon;
  callbacks.event = stop_events;
  stratoscope_result* result = nullptr;
  const int status = name == "pass" ? stratoscope_run(model, body.c_str(), &callbacks, &result)
                                    : stratoscope_request(model, name.c_str(), body.c_str(), &callbacks, &result);
  fuzz::require(status != STRATOSCOPE_INTERNAL, stratoscope_last_error()->problem);
  fuzz::require((status == STRATOSCOPE_OK) == (result != nullptr), "a result comes with its status");
  if (result != nullptr) use(result);
  stratoscope_result_free(result);
  return 0;
}

}  // namespace stratoscope
