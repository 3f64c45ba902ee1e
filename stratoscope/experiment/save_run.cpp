#include "stratoscope/experiment/save_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/experiment/json_document.h"
#include "stratoscope/experiment/run_arrays.h"
#include "stratoscope/files/save_arrays.h"
#include "stratoscope/model/forward.h"
#include "stratoscope/model/hooks.h"
#include "stratoscope/model/join_runs.h"
#include "stratoscope/probe/captures.h"

namespace stratoscope {
namespace {

// Texts share a forward pass up to about this many rows, so that scratch memory stays bounded.
constexpr std::size_t kRowsPerPass = 2048;

// The system's own estimate of what can be had without swapping; no limit where it does not say.
double available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  double kibibytes = 0;
  while (file >> key >> kibibytes >> unit)
    if (key == "MemAvailable:") return kibibytes * 1024;
  return std::numeric_limits<double>::infinity();
}

// The arrays are held until they are written: refused before the work, not killed in its midst.
void check_memory(double bytes, std::size_t rows) {
  constexpr double kGibi = 1 << 30;
  if (bytes > available_bytes())
    throw Error("run",
                fmt::format("the arrays of {} tokens need {:.1f} GiB, but {:.1f} GiB of memory are free", rows,
                            bytes / kGibi, available_bytes() / kGibi),
                "split the texts over several files, or capture less");
}

// Everything that goes into the file, filled pass by pass.
template <class T>
class Recorder {
 public:
  Recorder(const Session& session, const SaveRunRequest& request, const std::vector<Text>& texts)
      : session_(session), request_(request), texts_(texts), list_(request.captures, session.config()) {
    const ModelConfig& config = session.config();
    row_offsets_ = {0};
    std::size_t longest = 0;
    for (const Text& text : texts) {
      row_offsets_.push_back(row_offsets_.back() + static_cast<std::int64_t>(text.ids.size()));
      ids_.insert(ids_.end(), text.ids.begin(), text.ids.end());
      longest = std::max(longest, text.ids.size());
    }
    const std::size_t rows = ids_.size();
    const std::vector<std::size_t> offsets(row_offsets_.begin(), row_offsets_.end());
    captures_ = list_.of_texts(offsets);
    double numbers =
        static_cast<double>(rows) * static_cast<double>(config.n_hidden_states() * config.d_model + config.d_vocab);
    for (const Capture& capture : captures_) numbers += numbers_of(capture, rows, longest);
    check_memory(numbers * sizeof(T), rows);
    hidden_states_ = BasicTensor<T>({config.n_hidden_states(), rows, config.d_model});
    logits_ = BasicTensor<T>({rows, config.d_vocab});
    for (const Capture& capture : captures_)
      captured_.push_back(capture_tensor<T>(capture.site, config, capture.rows ? capture.rows->size() : rows,
                                            capture.heads ? capture.heads->size() : config.n_heads, longest));
    placed_.resize(captures_.size());
  }

  template <class RunModel>
  std::optional<Effect> record(const RunModel& run_model) {
    std::optional<Effect> effect;
    QuietProgress quiet(session_.progress());
    for (std::size_t first = 0; first < texts_.size();) {
      if (session_.progress() != nullptr && texts_.size() > 1) session_.progress()->update("run", first, texts_.size());
      RunRequest pass;
      pass.progress = texts_.size() > 1 ? &quiet : session_.progress();
      std::size_t rows = 0, end = first;
      for (; end < texts_.size() && (end == first || rows + texts_[end].ids.size() <= kRowsPerPass); ++end) {
        rows += texts_[end].ids.size();
        for (SiteEdit& edit : resolve_edits(session_, texts_[end], request_.edits, request_.text_options, end - first))
          pass.edits.push_back(std::move(edit));
        pass.sequences.push_back(texts_[end].ids);
      }
      pass.captures = list_.of_texts(offsets_of(pass.sequences));
      const Run<T> run = run_model(pass);
      place(run, static_cast<std::size_t>(row_offsets_[first]));
      if (!pass.edits.empty()) {
        pass.edits.clear();
        pass.captures.clear();
        pass.hidden_states = false;
        const Run<T> clean = run_model(pass);
        if (!effect) effect.emplace();
        for (std::size_t r = 0; r < rows; ++r)
          effect->include<T>(clean.logits.matrix().row_span(r), run.logits.matrix().row_span(r));
      }
      first = end;
    }
    return effect;
  }

  std::vector<ArrayView> arrays() const {
    const std::span<const std::int64_t> ids = ids_, row_offsets = row_offsets_;
    std::vector<ArrayView> views;
    views.push_back(array_view("input_ids", ids, {ids.size()}));
    views.push_back(array_view("hidden_states", hidden_states_));
    views.push_back(array_view("logits", logits_));
    if (request_.packed) views.push_back(array_view("row_offsets", row_offsets, {row_offsets.size()}));
    for (std::size_t i = 0; i < captures_.size(); ++i)
      views.push_back(array_view(name_of(captures_[i].site), captured_[i]));
    return views;
  }

 private:
  void place(const Run<T>& run, std::size_t first_row) {
    place_rows(run.hidden_states, hidden_states_, 1, first_row);
    place_rows(run.logits, logits_, 0, first_row);
    for (std::size_t i = 0; i < captures_.size(); ++i) {
      const BasicTensor<T>& value = run.value(captures_[i].site);
      const std::size_t axis = pos_axis_of(captures_[i].site);
      place_rows(value, captured_[i], axis, placed_[i]);
      placed_[i] += value.shape()[axis];
    }
  }

  double numbers_of(const Capture& capture, std::size_t rows, std::size_t longest) const {
    const ModelConfig& config = session_.config();
    const HookPoint& info = hook_point(capture.site.point);
    const std::size_t heads = capture.heads ? capture.heads->size() : config.n_heads;
    const std::size_t width = info.has_axis(HookAxis::key)    ? heads * longest
                              : info.has_axis(HookAxis::head) ? heads * shape_of(capture.site, config, 1).back()
                                                              : shape_of(capture.site, config, 1).back();
    return static_cast<double>(capture.rows ? capture.rows->size() : rows) * static_cast<double>(width);
  }

  const Session& session_;
  const SaveRunRequest& request_;
  const std::vector<Text>& texts_;
  std::vector<std::int64_t> ids_, row_offsets_;
  CaptureList list_;
  std::vector<Capture> captures_;    // over all texts
  std::vector<std::size_t> placed_;  // rows of each that are filled
  BasicTensor<T> hidden_states_, logits_;
  std::vector<BasicTensor<T>> captured_;
};

template <class T, class RunModel>
void record_and_save(const Session& session, const SaveRunRequest& request, SavedRun& saved,
                     const RunModel& run_model) {
  Recorder<T> recorder(session, request, saved.texts);
  saved.effect = recorder.record(run_model);
  const auto arrays = recorder.arrays();
  for (const ArrayView& array : arrays) saved.keys.emplace_back(array.name, array.shape);
  save_arrays(request.file, arrays, metadata_of(session));
}

}  // namespace

SavedRun save_run(const Session& session, const SaveRunRequest& request) {
  check_array_ending(request.file);
  SavedRun saved;
  saved.file = request.file;
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    try {
      saved.texts.push_back(session.read(request.texts[i], request.text_options));
    } catch (const Error& error) {
      if (!request.packed) throw;
      throw Error(error.where(), "text " + std::to_string(i + 1) + " " + error.problem(), error.hint());
    }
  }
  if (saved.texts.empty()) throw Error("text", "the list of texts is empty");
  static_cast<void>(CaptureList(request.captures, session.config()));  // before the long work
  const Model& model = session.model();
  if (session.precision() == Precision::fp64)
    record_and_save<double>(session, request, saved, [&](const RunRequest& r) { return model.run_reference(r); });
  else
    record_and_save<float>(session, request, saved, [&](const RunRequest& r) { return model.run(r); });
  return saved;
}

Document to_json(const Session& session, const SavedRun& saved) {
  Json json = begin_document(session, saved.effect, saved.texts.size() == 1 ? &saved.texts[0] : nullptr);
  json["file"] = saved.file.string();
  json["keys"] = Json::object();
  for (const auto& [name, shape] : saved.keys) json["keys"][name] = shape;
  return finish_document(json);
}

std::vector<std::string> read_texts(const std::filesystem::path& path) {
  constexpr std::size_t kLargest = std::size_t{4} << 30;
  const std::string file = read_text_file(path, kLargest);
  std::vector<std::string> texts;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < file.size();) {
    const std::size_t end = std::min(file.find('\n', begin), file.size());
    const std::string_view line(file.data() + begin, end - begin);
    begin = end + 1;
    const std::string source = path.string() + ": line " + std::to_string(++number);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto json = parse_json(line, "texts", source);
    if (!json.is_object() || !json.contains("text") || !json["text"].is_string())
      throw Error("texts", source + ": has no field \"text\" with a string");
    texts.push_back(json["text"].get<std::string>());
  }
  if (texts.empty()) throw Error("texts", path.string() + ": holds no text");
  return texts;
}

}  // namespace stratoscope
