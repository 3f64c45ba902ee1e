#include "stratoscope/hub/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/fingerprint.h"
#include "stratoscope/hub/model_files.h"
#include "stratoscope/hub/nonfinite_tensors.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

// The prefix that wrappers of a model add to every name ("module.", "_orig_mod."), found by a tensor that each model
// has.
std::string shared_prefix(const std::vector<SafetensorsFile>& files, const ModelConfig& config) {
  const std::string first = stored_matrix(Role::q, config).name + ".weight";
  const std::string& of_family = config.tensors.prefix;
  std::optional<std::string> shortest;
  for (const SafetensorsFile& file : files)
    for (const auto& [name, tensor] : file.tensors()) {
      if (!name.ends_with(first)) continue;
      std::string prefix = name.substr(0, name.size() - first.size());
      if (!of_family.empty() && (prefix == of_family || prefix.ends_with("." + of_family)))
        prefix.resize(prefix.size() - of_family.size());
      if ((prefix.empty() || prefix.ends_with('.')) && (!shortest || prefix.size() < shortest->size()))
        shortest = std::move(prefix);
    }
  return shortest.value_or("");
}

std::string without_prefix(std::string_view name, std::string_view wrapper, std::string_view of_family) {
  if (!name.starts_with(wrapper)) return std::string(name);
  name.remove_prefix(wrapper.size());
  return std::string(name.starts_with(of_family) ? name.substr(of_family.size()) : name);
}

// Reads both, without keeping pages.
bool same_numbers(const StoredTensor& a, const StoredTensor& b) {
  const std::size_t count = element_count(a.shape);
  constexpr std::size_t kAtOnce = 4096;
  std::vector<double> left(std::min(count, kAtOnce)), right(left.size());
  bool same = true;
  for (std::size_t begin = 0; begin < count && same; begin += kAtOnce) {
    const std::size_t size = std::min(kAtOnce, count - begin);
    const auto read = [&](const StoredTensor& tensor, std::vector<double>& numbers) {
      const std::size_t width = size_of(tensor.dtype);
      convert(tensor.dtype, tensor.bytes.subspan(begin * width, size * width), std::span(numbers).first(size));
    };
    if (a.dtype == b.dtype) {
      const std::size_t width = size_of(a.dtype);
      same = std::memcmp(a.bytes.data() + begin * width, b.bytes.data() + begin * width, size * width) == 0;
    } else {
      read(a, left);
      read(b, right);
      same = std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(size), right.begin());
    }
  }
  MappedFile::release_pages(a.bytes);
  MappedFile::release_pages(b.bytes);
  return same;
}

}  // namespace

Checkpoint::Checkpoint(const fs::path& folder, const ModelConfig& config)
    : folder_(folder), config_(config), embedding_(config.tensors.embed + ".weight") {
  for (const fs::path& file : weight_files(folder)) files_.emplace_back(file);
  take_names();
  check();
}

void Checkpoint::take_names() {
  const std::string wrapper = shared_prefix(files_, config_);
  for (const SafetensorsFile& opened : files_) {
    const std::string file = opened.path().filename().string();
    for (const auto& [stored_name, tensor] : opened.tensors()) {
      std::string name = without_prefix(stored_name, wrapper, config_.tensors.prefix);
      if (is_ignored(name, config_)) continue;
      const std::string& other = config_.tensors.other_unembed;
      if (!other.empty() && name == other + ".weight") name = config_.tensors.unembed + ".weight";
      if (!tensors_.emplace(name, tensor).second)
        throw Error("safetensors", file + ": tensor '" + name + "' is stored twice");
      file_of_[name] = file;
    }
  }
  // The other name of a tied matrix.
  const std::string head = config_.tensors.unembed + ".weight";
  if (!config_.tied || !contains(head)) return;
  if (contains(embedding_)) {
    if (!config_.head_unties) tensors_.erase(head);
    return;
  }
  auto stored = tensors_.extract(head);
  stored.key() = embedding_;
  tensors_.insert(std::move(stored));
  file_of_[embedding_] = file_of_.at(head);
}

void Checkpoint::check() {
  std::set<std::string> known;
  const auto check_one = [&](const std::string& name, const Shape& shape) {
    const StoredTensor& tensor = at(name);
    if (tensor.shape != shape)
      throw Error("safetensors",
                  file_of_.at(name) + ": tensor '" + name + "' has shape " + to_string(tensor.shape) + ", expected " +
                      to_string(shape),
                  "do config.json and the weights belong together, and is this a checkpoint of " + config_.title + "?");
    if (!is_floating(tensor.dtype))
      throw Error("safetensors", file_of_.at(name) + ": tensor '" + name + "' is stored as " + in_quotes(tensor.type) +
                                     ", expected F32, F16 or BF16");
    parameters_ += element_count(shape);
    known.insert(name);
  };
  for_each_tensor(config_, check_one);
  const std::string head = config_.tensors.unembed + ".weight";
  if (config_.tied && contains(head)) check_one(head, {config_.d_vocab, config_.d_model});
  choose_unembedding();
  if (!has_own_unembedding() && contains(head)) parameters_ -= element_count(at(head).shape);
  for (const auto& [name, tensor] : tensors_) {
    if (known.contains(name)) continue;
    if (is_part_of_another_block(name, config_))
      throw Error("safetensors",
                  file_of_.at(name) + ": tensor '" + name + "' is not part of a " + config_.title + " of " +
                      std::to_string(config_.n_layers()) + " blocks",
                  "do config.json and the weights belong together?");
    ignored_.insert(name);
    warnings_.push_back("tensor " + in_quotes(name) + " is not part of a " + config_.title + " and is ignored");
  }
}

void Checkpoint::choose_unembedding() {
  const std::string head = config_.tensors.unembed + ".weight";
  unembedding_ = contains(head) ? head : embedding_;
  if (!contains(head) || !config_.tied) return;
  if (same_numbers(at(embedding_), at(head)))
    unembedding_ = embedding_;
  else
    warnings_.push_back(file_of_.at(head) + ": '" + head +
                        "' differs from the embedding and is used, although config.json ties the two");
}

std::map<std::string, const StoredTensor*> Checkpoint::stored_tensors() const {
  std::map<std::string, const StoredTensor*> all;
  for (const SafetensorsFile& file : files_)
    for (const auto& [name, tensor] : file.tensors()) all.emplace(name, &tensor);
  return all;
}

const StoredTensor* Checkpoint::find(const std::string& name) const {
  for (const SafetensorsFile& file : files_)
    if (const auto found = file.tensors().find(name); found != file.tensors().end()) return &found->second;
  const std::string& prefix = config_.tensors.prefix;
  const auto found = tensors_.find(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const StoredTensor& Checkpoint::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    const std::string file = files_.size() == 1 ? files_[0].path().string() : folder_.string();
    const bool is_head = name == config_.tensors.unembed + ".weight";
    throw Error("safetensors", file + ": tensor '" + name + "' is missing",
                is_head ? "if it is the embedding, config.json has \"tie_word_embeddings\": true"
                        : "is this a checkpoint of " + config_.title + "?");
  }
  return found->second;
}

StoredMatrix Checkpoint::matrix(Role role, std::size_t layer) const {
  StoredMatrix matrix = stored_matrix(role, config_, layer);
  if (role == Role::unembed && !has_own_unembedding()) matrix.name = config_.tensors.embed;
  return matrix;
}

// Writes number `i` of unit `first` + u to out[u * unit_stride + i * in_stride], for `count` units.
template <class T>
void Checkpoint::copy_units(const StoredMatrix& matrix, std::size_t first, std::size_t count, T* out,
                            std::size_t unit_stride, std::size_t in_stride) const {
  const StoredTensor& stored = at(matrix.name + ".weight");
  const std::size_t width = size_of(stored.dtype);
  const bool by_unit = matrix.layout == WeightLayout::out_in;
  const std::size_t cols = by_unit ? matrix.in : matrix.stored_out;
  const auto read = [&](std::size_t row, std::size_t from, std::span<T> into) {
    convert(stored.dtype, stored.bytes.subspan((row * cols + from) * width, into.size() * width), into);
  };
  if (by_unit) {
    std::vector<T> row(in_stride == 1 ? 0 : matrix.in);
    for (std::size_t u = 0; u < count; ++u) {
      T* const unit = out + u * unit_stride;
      if (in_stride == 1) {
        read(matrix.unit(first + u), 0, std::span(unit, matrix.in));
        continue;
      }
      read(matrix.unit(first + u), 0, std::span(row));
      for (std::size_t i = 0; i < matrix.in; ++i) unit[i * in_stride] = row[i];
    }
    return;
  }
  const std::size_t from = matrix.unit(first), last = matrix.unit(first + count - 1);
  const bool side_by_side = last - from == count - 1;
  std::vector<T> row(side_by_side && unit_stride == 1 ? 0 : last - from + 1);
  for (std::size_t i = 0; i < matrix.in; ++i) {
    if (side_by_side && unit_stride == 1) {
      read(i, from, std::span(out + i * in_stride, count));
      continue;
    }
    read(i, from, std::span(row));
    for (std::size_t u = 0; u < count; ++u) out[u * unit_stride + i * in_stride] = row[matrix.unit(first + u) - from];
  }
}

template <class T>
BasicTensor<T> Checkpoint::read_matrix(Role role, std::size_t layer) const {
  const StoredMatrix from = matrix(role, layer);
  BasicTensor<T> weights({from.in, from.out});
  const StoredTensor& stored = at(from.name + ".weight");
  if (from.layout == WeightLayout::in_out && from.is_whole())
    convert(stored.dtype, stored.bytes, weights.values());
  else
    copy_units(from, 0, from.out, weights.data(), 1, from.out);
  return weights;
}

template <class T>
BasicTensor<T> Checkpoint::read_columns(Role role, std::size_t layer, std::size_t first, std::size_t count) const {
  const StoredMatrix from = matrix(role, layer);
  BasicTensor<T> columns({from.in, count});
  copy_units(from, first, count, columns.data(), 1, count);
  return columns;
}

template <class T>
BasicTensor<T> Checkpoint::read_bias(Role role, std::size_t layer) const {
  const StoredMatrix from = stored_matrix(role, config_, layer);
  if (!from.bias) return BasicTensor<T>::zeros({from.out});
  const StoredTensor& stored = at(from.name + ".bias");
  BasicTensor<T> all({from.stored_out}), bias({from.out});
  convert(stored.dtype, stored.bytes, all.values());
  for (std::size_t u = 0; u < from.out; ++u) bias.data()[u] = all.data()[from.unit(u)];
  return bias;
}

template <class T>
Checkpoint::Norm<T> Checkpoint::read_norm(Role role, std::size_t layer) const {
  const StoredNorm from = stored_norm(role, config_, layer);
  const auto vector = [&](bool is_stored, const char* suffix, T more) -> BasicTensor<T> {
    if (!is_stored) return {};
    BasicTensor<T> row({from.size * from.repeats});
    std::size_t read = 0;
    for (const std::string& name : from.names()) {
      const StoredTensor& stored = at(name + suffix);
      const std::size_t count = element_count(stored.shape);
      convert(stored.dtype, stored.bytes, row.values().subspan(read, count));
      read += count;
    }
    for (T& number : row.values().first(read)) number += more;
    for (std::size_t i = read; i < row.size(); ++i) row.data()[i] = row.data()[i - read];
    return row;
  };
  return {vector(from.spec.weight, ".weight", from.spec.plus_one ? T{1} : T{0}), vector(from.spec.bias, ".bias", T{0})};
}

// Matrices that are lent together.
struct Checkpoint::MatrixGroup {
  std::vector<StoredMatrix> parts;
  std::size_t out = 0;
  bool is_one = true;  // the parts are one tensor, in its order
};

Checkpoint::MatrixGroup Checkpoint::matrix_group(std::span<const Role> roles, std::size_t layer) const {
  MatrixGroup all;
  for (const Role role : roles) {
    const StoredMatrix& part = all.parts.emplace_back(matrix(role, layer));
    all.is_one &= part.name == all.parts[0].name && part.first == all.out && part.run >= part.out;
    all.out += part.out;
  }
  all.is_one &= all.out == all.parts[0].stored_out;
  return all;
}

bool Checkpoint::are_finite(const MatrixGroup& all) const {
  for (std::size_t i = 0; i < all.parts.size(); ++i)
    if ((i == 0 || all.parts[i].name != all.parts[0].name) && has_nonfinite(at(all.parts[i].name + ".weight")))
      return false;
  return true;
}

bool Checkpoint::lie_as_lent(std::span<const Role> roles, std::size_t layer) const {
  const MatrixGroup all = matrix_group(roles, layer);
  const StoredTensor& stored = at(all.parts[0].name + ".weight");
  const bool aligned = reinterpret_cast<std::uintptr_t>(stored.bytes.data()) % alignof(float) == 0;
  return all.is_one && stored.dtype == DType::f32 && aligned;
}

Checkpoint::LentColumns Checkpoint::columns_of(std::span<const Role> roles, std::size_t layer) const {
  const MatrixGroup all = matrix_group(roles, layer);
  const auto copy = [this, parts = all.parts](std::size_t first, std::size_t count, float* columns) {
    for (const StoredMatrix& part : parts) {
      const std::size_t here = first < part.out ? std::min(count, part.out - first) : 0;
      if (here > 0) {
        copy_units(part, first, here, columns, part.in, 1);
        release_units(part, first, here);
      }
      columns += here * part.in;
      first = first + here - std::min(first + here, part.out);
      count -= here;
    }
  };
  return {all.parts[0].in, all.out, copy};
}

// Releases the pages of the part of a tensor that was read, or of all of it at the end.
void Checkpoint::release_units(const StoredMatrix& matrix, std::size_t first, std::size_t count) const {
  const StoredTensor& stored = at(matrix.name + ".weight");
  const std::size_t row = matrix.in * size_of(stored.dtype);
  if (matrix.layout == WeightLayout::out_in && matrix.unit(first + count - 1) == matrix.unit(first) + count - 1)
    MappedFile::release_pages(stored.bytes.subspan(matrix.unit(first) * row, count * row));
  else if (first + count == matrix.out)
    MappedFile::release_pages(stored.bytes);
}

void Checkpoint::lend(std::span<const Role> roles, std::size_t layer,
                      const std::function<void(const LentMatrix&)>& use) const {
  const MatrixGroup all = matrix_group(roles, layer);
  const StoredTensor& first = at(all.parts[0].name + ".weight");
  LentMatrix lent{nullptr, all.parts[0].in, all.out, all.parts[0].layout, are_finite(all)};
  if (lie_as_lent(roles, layer)) {
    lent.numbers = static_cast<const float*>(static_cast<const void*>(first.bytes.data()));
    use(lent);
  } else {
    const bool by_unit = lent.layout == WeightLayout::out_in;
    Tensor numbers({lent.in * lent.out});
    if (all.is_one) convert(first.dtype, first.bytes, numbers.values());
    std::size_t before = 0;
    for (const StoredMatrix& part : all.is_one ? std::vector<StoredMatrix>() : all.parts) {
      copy_units(part, 0, part.out, numbers.data() + (by_unit ? before * lent.in : before), by_unit ? lent.in : 1,
                 by_unit ? 1 : lent.out);
      before += part.out;
    }
    lent.numbers = numbers.data();
    use(lent);
  }
  for (const StoredMatrix& part : all.parts) MappedFile::release_pages(at(part.name + ".weight").bytes);
}

template <class T>
void Checkpoint::read_row(Role role, std::size_t row, std::span<T> out) const {
  const StoredTensor& stored = at(matrix(role, 0).name + ".weight");
  const std::size_t width = size_of(stored.dtype) * out.size();
  convert(stored.dtype, stored.bytes.subspan(row * width, width), out);
}

template BasicTensor<float> Checkpoint::read_matrix(Role, std::size_t) const;
template BasicTensor<double> Checkpoint::read_matrix(Role, std::size_t) const;
template BasicTensor<double> Checkpoint::read_columns(Role, std::size_t, std::size_t, std::size_t) const;
template BasicTensor<float> Checkpoint::read_bias(Role, std::size_t) const;
template BasicTensor<double> Checkpoint::read_bias(Role, std::size_t) const;
template Checkpoint::Norm<float> Checkpoint::read_norm(Role, std::size_t) const;
template Checkpoint::Norm<double> Checkpoint::read_norm(Role, std::size_t) const;
template void Checkpoint::read_row(Role, std::size_t, std::span<float>) const;
template void Checkpoint::read_row(Role, std::size_t, std::span<double>) const;

std::vector<std::string> Checkpoint::nonfinite_tensors(bool lent_are_finite) const {
  std::vector<std::pair<std::string, StoredTensor>> tensors(tensors_.begin(), tensors_.end());
  std::set<std::string> known = ignored_;
  if (!has_own_unembedding()) known.insert(config_.tensors.unembed + ".weight");
  if (lent_are_finite) {
    known.insert(unembedding_);
    for (std::size_t layer = 0; layer < config_.n_layers(); ++layer)
      for (const Role role : matrix_roles(config_.blocks[layer]))
        known.insert(stored_matrix(role, config_, layer).name + ".weight");
  }
  std::erase_if(tensors, [&](const auto& tensor) { return known.contains(tensor.first); });
  return names_of_nonfinite(tensors);
}

void Checkpoint::release_pages() const {
  for (const SafetensorsFile& file : files_) file.release_pages();
}

void Checkpoint::check_unchanged() const {
  for (const SafetensorsFile& file : files_) file.check_unchanged();
}

std::string Checkpoint::fingerprint() const {
  const std::vector<std::pair<std::string, StoredTensor>> tensors(tensors_.begin(), tensors_.end());
  std::string hash = fingerprint_of(read_text_file(folder_ / "config.json"), tensors);
  check_unchanged();
  return hash;
}

}  // namespace stratoscope
