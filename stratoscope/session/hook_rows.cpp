#include "stratoscope/session/hook_rows.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/model/cone/cone_runs.h"

namespace stratoscope {
namespace {

// One batch of texts: the captured rows, and those of each text.
struct BatchRows {
  RunRequest pass;
  std::vector<std::size_t> offsets = {0};  // of the captured rows
};

// The numbers of one captured row, or the norms of its vectors.
template <class T>
void add_numbers(const T* row, std::size_t width, std::size_t vectors, bool norms, double* to) {
  if (!norms) {
    for (std::size_t i = 0; i < width; ++i) to[i] += static_cast<double>(row[i]);
    return;
  }
  const std::size_t length = width / vectors;
  for (std::size_t v = 0; v < vectors; ++v) {
    double squares = 0;
    for (std::size_t i = 0; i < length; ++i) squares += std::pow(static_cast<double>(row[v * length + i]), 2);
    to[v] += std::sqrt(squares);
  }
}

template <class T>
void add_batch(const BatchRows& batch, const Run<T>& run, std::size_t first, std::size_t texts, bool norms,
               std::map<HookPoint, BasicTensor<double>>& rows) {
  for (const auto& [point, value] : run.captured) {
    const std::size_t width = value.size() / value.shape()[0];
    const std::size_t vectors = value.shape().size() > 2 ? value.shape()[1] : 1;
    BasicTensor<double>& all = rows[point];
    if (all.empty()) all = BasicTensor<double>::zeros({texts, norms ? vectors : width});
    for (std::size_t text = 0; text + 1 < batch.offsets.size(); ++text) {
      double* const to = all.matrix().row(first + text);
      for (std::size_t r = batch.offsets[text]; r < batch.offsets[text + 1]; ++r)
        add_numbers(value.data() + r * width, width, vectors, norms, to);
      const auto count = static_cast<double>(batch.offsets[text + 1] - batch.offsets[text]);
      for (std::size_t i = 0; i < all.shape()[1]; ++i) to[i] /= count;
    }
  }
}

}  // namespace

std::vector<Text> read_each(const Session& session, std::span<const std::string> texts, const TextOptions& options,
                            const std::string& what) {
  std::vector<Text> read;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    try {
      read.push_back(session.read(texts[i], options));
    } catch (const Error& error) {
      throw Error(error.where(), what + " " + std::to_string(i) + ": " + error.problem(), error.hint());
    }
  }
  return read;
}

std::map<HookPoint, BasicTensor<double>> hook_rows(const Session& session, std::span<const Text> texts,
                                                   std::span<const Capture> captures,
                                                   const std::optional<Index>& position, bool norms) {
  std::map<HookPoint, BasicTensor<double>> rows;
  QuietProgress quiet(session.progress());
  for (std::size_t next = 0; next < texts.size();) {
    if (session.progress() != nullptr) session.progress()->update("prompts", next, texts.size());
    const std::size_t first = next;
    BatchRows batch;
    batch.pass.captures.assign(captures.begin(), captures.end());
    batch.pass.hidden_states = false;
    batch.pass.logits = LogitRows::none;
    batch.pass.progress = &quiet;
    std::vector<std::size_t> chosen;
    std::size_t in_pass = 0;
    for (; next < texts.size() && (in_pass == 0 || in_pass + texts[next].ids.size() <= kRowsPerPass); ++next) {
      const std::size_t length = texts[next].ids.size();
      if (position) chosen.push_back(in_pass + position->in(length, "position"));
      in_pass += length;
      batch.offsets.push_back(position ? chosen.size() : in_pass);
      batch.pass.sequences.push_back(texts[next].ids);
    }
    if (position)
      for (Capture& capture : batch.pass.captures) capture.rows = chosen;
    if (session.precision() == Precision::fp64)
      add_batch(batch, session.model().run_reference(batch.pass), first, texts.size(), norms, rows);
    else
      add_batch(batch, session.model().run(batch.pass), first, texts.size(), norms, rows);
  }
  return rows;
}

}  // namespace stratoscope
