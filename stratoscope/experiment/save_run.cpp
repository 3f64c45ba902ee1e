#include "stratoscope/experiment/save_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>

#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/experiment/json_document.h"
#include "stratoscope/files/save_arrays.h"
#include "stratoscope/model/hooks.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/version.h"

namespace stratoscope {
namespace {

// Texts share a forward pass up to about this many rows, so that scratch memory stays bounded.
constexpr std::size_t kRowsPerPass = 2048;

// Copies the pos axis of `part`, rows [0, n), to rows [first, first + n) of `whole`. Both are [.., pos, ..] with the
// same axes before and behind; a key axis of `part` may be shorter.
template <class T>
void place_rows(const BasicTensor<T>& part, BasicTensor<T>& whole, std::size_t pos_axis, std::size_t first) {
  const Shape &from = part.shape(), &to = whole.shape();
  std::size_t outer = 1, inner_from = 1, inner_to = 1;
  for (std::size_t axis = 0; axis < pos_axis; ++axis) outer *= from[axis];
  for (std::size_t axis = pos_axis + 1; axis < from.size(); ++axis) {
    inner_from *= from[axis];
    inner_to *= to[axis];
  }
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t row = 0; row < from[pos_axis]; ++row)
      std::copy_n(part.data() + (o * from[pos_axis] + row) * inner_from, inner_from,
                  whole.data() + (o * to[pos_axis] + first + row) * inner_to);
}

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

std::size_t pos_axis_of(Site site) { return hook_point(site.point).axes[0] == HookAxis::pos ? 0 : 1; }

// Everything that goes into the file, filled pass by pass.
template <class T>
class Recorder {
 public:
  Recorder(const Session& session, const SaveRunRequest& request, const std::vector<Text>& texts)
      : session_(session), request_(request), texts_(texts) {
    const ModelConfig& config = session.config();
    row_offsets_ = {0};
    std::size_t longest = 0;
    for (const Text& text : texts) {
      row_offsets_.push_back(row_offsets_.back() + static_cast<std::int64_t>(text.ids.size()));
      ids_.insert(ids_.end(), text.ids.begin(), text.ids.end());
      longest = std::max(longest, text.ids.size());
    }
    const std::size_t rows = ids_.size();
    std::set<Site> wanted;
    for (const std::string& pattern : request.captures)
      for (const Site site : match_sites(pattern, config)) wanted.insert(site);
    for (const Site site : all_sites(config))
      if (wanted.contains(site)) sites_.push_back(site);
    double numbers =
        static_cast<double>(rows) * static_cast<double>(config.n_hidden_states() * config.d_model + config.d_vocab);
    for (const Site site : sites_) {
      const bool has_keys = hook_point(site.point).has_axis(HookAxis::key);
      numbers += static_cast<double>(rows) * (has_keys ? static_cast<double>(config.n_heads * longest)
                                                       : static_cast<double>(element_count(shape_of(site, config, 1))));
    }
    check_memory(numbers * sizeof(T), rows);
    hidden_states_ = BasicTensor<T>({config.n_hidden_states(), rows, config.d_model});
    logits_ = BasicTensor<T>({rows, config.d_vocab});
    for (const Site site : sites_) captured_.push_back(capture_tensor<T>(site, config, rows, config.n_heads, longest));
  }

  template <class RunModel>
  std::optional<Effect> record(const RunModel& run_model) {
    std::optional<Effect> effect;
    QuietProgress quiet(session_.progress());
    for (std::size_t first = 0; first < texts_.size();) {
      if (session_.progress() != nullptr && texts_.size() > 1) session_.progress()->update("run", first, texts_.size());
      RunRequest pass;
      pass.captures = captures_of(sites_);
      pass.progress = texts_.size() > 1 ? &quiet : session_.progress();
      std::size_t rows = 0, end = first;
      for (; end < texts_.size() && (end == first || rows + texts_[end].ids.size() <= kRowsPerPass); ++end) {
        rows += texts_[end].ids.size();
        for (SiteEdit& edit : resolve_edits(session_, texts_[end], request_.edits, request_.text_options, end - first))
          pass.edits.push_back(std::move(edit));
        pass.sequences.push_back(texts_[end].ids);
      }
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
    for (std::size_t i = 0; i < sites_.size(); ++i) views.push_back(array_view(name_of(sites_[i]), captured_[i]));
    return views;
  }

 private:
  void place(const Run<T>& run, std::size_t first_row) {
    place_rows(run.hidden_states, hidden_states_, 1, first_row);
    place_rows(run.logits, logits_, 0, first_row);
    for (std::size_t i = 0; i < sites_.size(); ++i)
      place_rows(run.value(sites_[i]), captured_[i], pos_axis_of(sites_[i]), first_row);
  }

  const Session& session_;
  const SaveRunRequest& request_;
  const std::vector<Text>& texts_;
  std::vector<std::int64_t> ids_, row_offsets_;
  std::vector<Site> sites_;
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
  save_arrays(request.file, arrays,
              {{"model", session.model_name()},
               {"model_hash", session.model_hash()},
               {"stratoscope", STRATOSCOPE_VERSION},
               {"precision", std::string(name_of(session.precision()))}});
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
  for (const std::string& pattern : request.captures) match_sites(pattern, session.config());  // before the long work
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
