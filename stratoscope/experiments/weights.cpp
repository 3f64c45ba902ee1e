#include "stratoscope/experiments/weights.h"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "stratoscope/analysis/histogram.h"
#include "stratoscope/analysis/moments.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/files/npy.h"
#include "stratoscope/files/save_arrays.h"
#include "stratoscope/probe/indices.h"

namespace stratoscope {
namespace {

constexpr std::size_t kLeastBins = 10, kMostPictureBins = 80, kMostMapRows = 150, kMostMapColumns = 300,
                      kMostPoints = 20'000;
constexpr std::size_t kMostRowNumbers = 1'000'000;  // of --rows
// Limits of the histogram are found from at most about this many numbers, evenly spaced.
constexpr std::size_t kMostLimitValues = 4'000'000;

using Named = std::pair<std::string, const StoredTensor*>;

bool is_name_glob(const std::string& name) { return name.find_first_of("*?[") != std::string::npos; }

// The tensors that a name or glob means, in the order of the names.
void add_matches(const Checkpoint& checkpoint, const std::string& prefix, const std::string& written,
                 std::vector<Named>& chosen) {
  const auto all = checkpoint.stored_tensors();
  const auto is_meant = [&](const std::string& name) {
    const std::string bare = name.starts_with(prefix) ? name.substr(prefix.size()) : name, full = prefix + bare;
    for (const std::string& spelling : {name, bare, full})
      if (is_name_glob(written) ? ::fnmatch(written.c_str(), spelling.c_str(), 0) == 0 : spelling == written)
        return true;
    return false;
  };
  bool found = false;
  for (const auto& entry : all) {
    const Named tensor(entry);
    if (!is_meant(tensor.first)) continue;
    found = true;
    if (std::find(chosen.begin(), chosen.end(), tensor) == chosen.end()) chosen.push_back(tensor);
  }
  if (found) return;
  if (is_name_glob(written))
    throw Error("weights", "the glob " + in_quotes(written) + " matches no tensor",
                "'stratoscope weights' lists them all");
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const auto& [name, tensor] : all) names.push_back(name);
  const std::string near = did_you_mean(written, names);
  throw Error("weights", "there is no " + in_quotes(written) + " among the weights",
              near.empty() ? "'stratoscope weights' lists them all" : near);
}

std::vector<Named> chosen_tensors(const Session& session, const WeightsRequest& request) {
  std::vector<Named> chosen;
  if (request.names.empty())
    for (const auto& [name, tensor] : session.checkpoint().stored_tensors()) chosen.emplace_back(name, tensor);
  for (const std::string& name : request.names)
    add_matches(session.checkpoint(), session.config().tensors.prefix, name, chosen);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

void check_readable(const Named& tensor) {
  if (tensor.second->dtype == DType::unreadable)
    throw Error("weights", in_quotes(tensor.first) + " holds numbers of the type " + in_quotes(tensor.second->type),
                "it cannot be read; --list shows its shape");
}

// Numbers of a stored tensor as rows of its first axis.
template <class T>
class TensorRows {
 public:
  explicit TensorRows(const StoredTensor& tensor)
      : tensor_(tensor),
        rows_(tensor.shape.empty() ? 1 : tensor.shape[0]),
        width_(rows_ == 0 ? 0 : element_count(tensor.shape) / rows_) {
    if (tensor.shape.size() == 1) std::swap(rows_, width_);  // one row of numbers
  }

  std::size_t rows() const { return rows_; }
  std::size_t width() const { return width_; }
  std::vector<T> row(std::size_t index) const {
    std::vector<T> numbers(width_);
    const std::size_t bytes = width_ * size_of(tensor_.dtype);
    convert(tensor_.dtype, tensor_.bytes.subspan(index * bytes, bytes), std::span(numbers));
    return numbers;
  }

 private:
  const StoredTensor& tensor_;
  std::size_t rows_ = 1, width_ = 0;
};

template <class T>
WeightStatistics statistics_of(const TensorRows<T>& rows) {
  WeightStatistics statistics;
  Moments moments;
  std::vector<T> all;
  all.reserve(rows.rows() * rows.width());
  for (std::size_t r = 0; r < rows.rows(); ++r)
    for (const T number : rows.row(r)) {
      all.push_back(number);
      if (std::isfinite(number))
        moments.add(static_cast<double>(number));
      else
        ++statistics.not_finite;
    }
  statistics.mean = moments.mean();
  statistics.sd = std::sqrt(moments.variance());
  statistics.min = moments.min();
  statistics.max = moments.max();
  statistics.zeros = moments.zeros();
  statistics.quantiles = quantiles(all, {std::begin(kWeightShares), std::end(kWeightShares)});
  return statistics;
}

template <class T>
TensorPicture picture_of(const TensorRows<T>& rows) {
  TensorPicture picture;
  const std::size_t count = rows.rows() * rows.width(), step = count / kMostLimitValues + 1;
  std::vector<double> sample;
  std::size_t place = 0;
  for (std::size_t r = 0; r < rows.rows(); ++r)
    for (const T number : rows.row(r))
      if (place++ % step == 0) sample.push_back(static_cast<double>(number));
  const auto [low, high] = robust_limits(sample);
  // Rice's rule: twice the cube root of the count.
  const auto bins = static_cast<std::size_t>(2 * std::cbrt(static_cast<double>(count)));
  Histogram histogram(low, high, std::clamp(bins, kLeastBins, kMostPictureBins));
  const bool is_vector = rows.rows() == 1;
  picture.row_step = (rows.rows() + kMostMapRows - 1) / kMostMapRows;
  picture.column_step = is_vector ? (rows.width() + kMostPoints - 1) / kMostPoints
                                  : (rows.width() + kMostMapColumns - 1) / kMostMapColumns;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const std::vector<T> numbers = rows.row(r);
    for (const T number : numbers)
      if (std::isfinite(number)) histogram.add(static_cast<double>(number));
    if (r % picture.row_step != 0) continue;
    auto& cells = picture.cells.emplace_back();
    for (std::size_t c = 0; c < numbers.size(); c += picture.column_step)
      cells.push_back(static_cast<double>(numbers[c]));
  }
  picture.edges = histogram.edges();
  picture.counts = histogram.counts();
  picture.outside = static_cast<std::size_t>(histogram.below() + histogram.above());
  return picture;
}

// Numbers of 64 bits and whole ones are read as double, all others are exact in float.
bool needs_double(DType dtype) { return !is_floating(dtype) || dtype == DType::f64; }

class WeightsReader {
 public:
  WeightsReader(const Session& session, const WeightsRequest& request) : session_(session), request_(request) {}

  CheckpointWeights read() {
    const std::vector<Named> chosen = chosen_tensors(session_, request_);
    const bool with_statistics = !request_.list && !request_.names.empty();
    if (request_.rows && chosen.size() != 1) refuse_several("--rows reads", chosen.size());
    std::size_t done = 0;
    for (const Named& tensor : chosen) {
      if (with_statistics && session_.progress() != nullptr)
        session_.progress()->update("tensors", done++, chosen.size());
      TensorSummary& summary = result_.tensors.emplace_back();
      summary = {tensor.first, tensor.second->type, tensor.second->shape, element_count(tensor.second->shape),
                 tensor.second->bytes.size()};
      if (!with_statistics) continue;
      check_readable(tensor);
      if (needs_double(tensor.second->dtype))
        read_numbers<double>(*tensor.second, chosen.size() == 1, summary);
      else
        read_numbers<float>(*tensor.second, chosen.size() == 1, summary);
      MappedFile::release_pages(tensor.second->bytes);
    }
    if (request_.file) save(chosen);
    session_.checkpoint().check_unchanged();
    return std::move(result_);
  }

 private:
  [[noreturn]] static void refuse_several(const std::string& what, std::size_t count) {
    throw Error("weights", what + " one tensor, not " + std::to_string(count), "name one");
  }

  template <class T>
  void read_numbers(const StoredTensor& tensor, bool is_only, TensorSummary& summary) {
    const TensorRows<T> rows(tensor);
    summary.statistics = statistics_of(rows);
    if (!is_only) return;
    result_.picture = picture_of(rows);
    if (!request_.rows) return;
    if (tensor.shape.size() < 2)
      throw Error("weights", in_quotes(summary.name) + " is a vector, which has no rows", "leave out --rows");
    const std::vector<std::size_t> asked = request_.rows->in(rows.rows(), "row");
    if (asked.size() * rows.width() > kMostRowNumbers)
      throw Error("weights",
                  "--rows asks for " + std::to_string(asked.size() * rows.width()) + " numbers, more than " +
                      std::to_string(kMostRowNumbers),
                  "--save writes the whole tensor");
    for (const std::size_t index : asked) {
      const std::vector<T> numbers = rows.row(index);
      result_.rows.emplace_back(index, std::vector<double>(numbers.begin(), numbers.end()));
    }
  }

  // Types that NumPy lacks are written as float32.
  void save(const std::vector<Named>& chosen) {
    const std::filesystem::path& path = *request_.file;
    const bool is_npy = path.extension() == ".npy";
    if (is_npy && chosen.size() != 1) refuse_several("a .npy file holds", chosen.size());
    if (!is_npy) check_array_ending(path);
    std::vector<ArrayView> arrays;
    std::vector<std::vector<float>> converted;
    converted.reserve(chosen.size());
    for (const Named& tensor : chosen) {
      check_readable(tensor);
      const StoredTensor& stored = *tensor.second;
      if (stored.dtype != DType::bf16 || path.extension() == ".safetensors") {
        arrays.push_back({tensor.first, stored.dtype, stored.shape, stored.bytes});
        continue;
      }
      auto& numbers = converted.emplace_back(element_count(stored.shape));
      convert(stored.dtype, stored.bytes, std::span(numbers));
      arrays.push_back(array_view(tensor.first, std::span<const float>(numbers), stored.shape));
    }
    if (!converted.empty())
      result_.warnings.emplace_back("NumPy has no bfloat16: the numbers are written as float32, which is exact");
    if (is_npy)
      write_npy(path, arrays[0]);
    else
      save_arrays(path, arrays);
    result_.file = path;
  }

  const Session& session_;
  const WeightsRequest& request_;
  CheckpointWeights result_;
};

}  // namespace

void describe(WeightsRequest& request, Fields& fields) {
  fields.add("names", request.names, "tensors by Hugging Face's names, or globs; without any, all are listed")
      .value("NAMES")
      .argument()
      .several(nullptr);
  fields.add("list", request.list, "names, formats and shapes alone, without statistics");
  fields.add("rows", request.rows, "also the numbers of these rows of one tensor").value("I,J,…");
  fields
      .add("save", FieldTarget(OutputFile{&request.file}),
           "copy the tensors into a file: .npy for one tensor, .npz or .safetensors")
      .value("FILE")
      .local();
}

void check(const WeightsRequest& request) {
  const bool lists = request.list || request.names.empty();
  if (lists && (request.rows || request.file))
    throw UsageError("weights", std::string(request.rows ? "--rows" : "--save") + " requires NAMES without --list");
}

void throw_no_figure(std::size_t tensors) {
  throw Error("figure", "shows the numbers of one tensor, not of " + std::to_string(tensors),
              "name one, without --list");
}

void check_figure(const Session& session, const WeightsRequest& request) {
  const std::size_t count = chosen_tensors(session, request).size();
  if (request.list || request.names.empty() || count != 1) throw_no_figure(count);
}

CheckpointWeights weights(const Session& session, const WeightsRequest& request) {
  check(request);
  return WeightsReader(session, request).read();
}

}  // namespace stratoscope
