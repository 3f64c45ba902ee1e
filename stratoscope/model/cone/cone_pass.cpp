#include "stratoscope/model/cone/cone_pass.h"

#include <algorithm>
#include <bitset>
#include <cstring>
#include <map>
#include <utility>

#include "stratoscope/base/threads.h"
#include "stratoscope/model/cone/cone_attention.h"
#include "stratoscope/model/pass/float_pass.h"

namespace stratoscope {

// The rows of a batch; at each step the ones that have entered.
class BatchRows {
 public:
  // `clean` provides missing rows; null for clean runs, all of whose rows enter at the beginning.
  BatchRows(ConePass& pass, const ConeBatch& batch, MatrixView<float> entering, const CleanBlock* clean)
      : pass_(pass),
        config_(pass.context_.config),
        batch_(batch),
        clean_(clean),
        entering_(entering),
        range_(batch.before_keys(Hook::resid_pre)) {
    for (const ConeBatch::Row& row : batch.rows())
      table_rows_.push_back(pass.context_.first_table_rows[batch.members()[row.member].text] + row.row.position);
    for (const ConeBatch::Member& member : batch.members())
      if (member.run != nullptr)
        for (const HookEdit& edit : member.run->edits)
          if (edit.at.layer == pass.layer_) edited_.set(static_cast<std::size_t>(edit.at.hook));
  }

  // Sets the clean block in which the values with these serial numbers are stored.
  void keep_in(CleanBlock& block, const std::set<std::size_t>& serials) {
    keeping_ = &block;
    kept_ = &serials;
    leaving_ = block.leaving.matrix();
  }
  void leave_in(MatrixView<float> leaving) { leaving_ = leaving; }

  RowRange range() const { return range_; }
  std::span<const std::size_t> table_rows() const { return table_rows_; }

  void admit(Hook hook) {
    if (hook >= Hook::q && hook <= Hook::pattern && !after_attention_)
      range_ = batch_.with_keys(hook);
    else
      range_ = hook < Hook::q ? batch_.before_keys(hook) : batch_.after_keys(hook);
  }

  MatrixView<float> place(std::size_t serial, Slot slot, std::size_t width) {
    if (slot == Slot::resid) return remember(serial, entering_);
    if (slot == Slot::leaving && leaving_.data != nullptr) return remember(serial, leaving_);
    if (slot == Slot::logits) {
      logits_ = Tensor({batch_.size(), width});
      return logits_.matrix();
    }
    if (is_kept(serial)) return remember(serial, keeping_->kept.emplace_back(Shape{batch_.size(), width}).matrix());
    return pass_.memory_.take(slot, batch_.size(), width);
  }

  MatrixView<float> place_again(std::size_t serial, std::size_t of, Slot slot, MatrixView<float> matrix) {
    return is_kept(serial) || is_kept(of) ? place(serial, slot, matrix.cols) : matrix;
  }

  void made(std::size_t serial) { computed_[serial] = range_; }

  void fill(std::size_t serial, MatrixView<float> matrix) {
    if (clean_ == nullptr) return;
    RowRange& computed = computed_[serial];
    const auto take = [&](std::size_t first, std::size_t end) {
      if (first >= end) return;
      const MatrixView<const float> from = clean_->values[serial];
      parallel_for(end - first, [&](std::size_t i) {
        const ConeBatch::Row& row = batch_.rows()[first + i];
        const std::size_t place = clean_->place_of(batch_.members()[row.member].text, row.row.position);
        std::copy_n(from.row(place), matrix.cols, matrix.row(first + i));
      });
    };
    take(range_.first, computed.first);
    take(computed.end, range_.end);
    computed = {std::min(computed.first, range_.first), std::max(computed.end, range_.end)};
  }

  // Positions that are successive both in the text and in the matrix are one value.
  bool fire(Hook hook, MatrixView<float> values) {
    if (!edited_.test(static_cast<std::size_t>(hook))) return false;
    const HookPoint point{hook, pass_.layer_};
    const Shape shape = shape_of(point, config_, 1);
    const std::size_t middle = shape.size() == 3 ? shape[1] : 1;
    bool acted = false;
    for_edits(point, [&](std::size_t m, const HookEdit& edit) {
      const auto& positions = *edit.positions;
      for (std::size_t i = 0; i < positions.size();) {
        const auto place = batch_.place_of(m, positions[i]);
        std::size_t count = 1;
        if (place && *place >= range_.first && *place < range_.end) {
          while (i + count < positions.size() && positions[i + count] == positions[i] + count &&
                 *place + count < range_.end && batch_.place_of(m, positions[i + count]) == *place + count)
            ++count;
          edit.edit->apply(HookValue<float>{
              values.row(*place), {count, middle, shape.back()}, {values.stride, shape.back(), 1}, positions[i]});
          acted = true;
        }
        i += count;
      }
    });
    return acted;
  }

  void attend(MatrixView<const float> q, const KeptColumns& k, const KeptColumns& v, MatrixView<float> z) {
    const ConeAttention attention{config_, pass_.layer_, batch_, q, k, v, z};
    if (clean_ == nullptr)
      keeping_->keys_values = attention.run_clean();
    else
      attention.run(*clean_);
    pass_.operations_ += attention.operations();
    after_attention_ = true;
    range_ = batch_.after_keys(Hook::pattern);
  }

  // attn_out is the sum of the heads in the rows that an edit changed; the others keep the product's bits.
  void fire_result(MatrixView<const float> z, MatrixView<float> attn_out) {
    const HookPoint point{Hook::result, pass_.layer_};
    std::vector<std::size_t> places;
    for_edits(point, [&](std::size_t m, const HookEdit& edit) {
      for (const std::size_t position : *edit.positions)
        if (const auto place = batch_.place_of(m, position); place && *place >= range_.first && *place < range_.end)
          places.push_back(*place);
    });
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    // results are wide, so that they exist only for some rows at a time
    constexpr std::size_t kRows = 96;
    for (std::size_t first = 0; first < places.size(); first += kRows)
      edit_results(point, std::span(places).subspan(first, std::min(kRows, places.size() - first)), z, attn_out);
  }

  void count(const PackedMatrix& weights, std::size_t rows) {
    pass_.operations_ +=
        2 * static_cast<double>(rows) * static_cast<double>(weights.in()) * static_cast<double>(weights.out());
  }

  void embed(MatrixView<float> out) {
    const auto scale = static_cast<float>(config_.embed_scale);
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      const auto& [member, row] = batch_.rows()[i];
      const TokenIds& ids = pass_.context_.request.texts[batch_.members()[member].text];
      pass_.context_.checkpoint.read_row<float>(Role::embed, static_cast<std::size_t>(ids[row.position]),
                                                out.row_span(i));
      if (config_.embed_scale != 1)
        for (float& number : out.row_span(i)) number *= scale;
    }
  }
  void embed_positions(MatrixView<float> out) {
    for (std::size_t i = 0; i < batch_.size(); ++i)
      pass_.context_.checkpoint.read_row<float>(
          Role::pos_embed, batch_.rows()[i].row.position + config_.position_offset, out.row_span(i));
  }

  static MatrixView<const float> unembedded(MatrixView<const float> normed) { return normed; }
  void leave(MatrixView<float> value) { left_ = value; }
  void leave_logits(MatrixView<float>) {}

  MatrixView<float> left() const { return left_; }
  Tensor take_logits() { return std::move(logits_); }

 private:
  bool is_kept(std::size_t serial) const { return kept_ != nullptr && kept_->contains(serial); }

  MatrixView<float> remember(std::size_t serial, MatrixView<float> matrix) {
    if (keeping_ == nullptr) return matrix;
    if (keeping_->values.size() <= serial) keeping_->values.resize(serial + 1);
    keeping_->values[serial] = matrix;
    return matrix;
  }

  template <class Use>
  void for_edits(HookPoint point, const Use& use) const {
    for (std::size_t m = 0; m < batch_.members().size(); ++m)
      if (const ConeRun* run = batch_.members()[m].run; run != nullptr)
        for (const HookEdit& edit : run->edits)
          if (edit.at == point) use(m, edit);
  }

  void edit_results(HookPoint point, std::span<const std::size_t> places, MatrixView<const float> z,
                    MatrixView<float> attn_out) {
    auto& heads = pass_.head_results_;
    if (!heads) heads.emplace(pass_.context_.checkpoint, config_, pass_.layer_);
    const std::size_t count = places.size(), d_model = config_.d_model;
    const std::size_t n_heads = config_.blocks[pass_.layer_].attention.heads;
    Tensor rows({count, z.cols});
    for (std::size_t i = 0; i < count; ++i) std::copy_n(z.row(places[i]), z.cols, rows.matrix().row(i));
    Tensor results = heads->of(std::as_const(rows).matrix());
    pass_.operations_ += 2 * static_cast<double>(count) * static_cast<double>(z.cols) * static_cast<double>(d_model);
    const Tensor unedited = results.copy();
    for (std::size_t i = 0; i < count; ++i) {
      const auto& [member, row] = batch_.rows()[places[i]];
      for (const HookEdit& edit : batch_.members()[member].run->edits)
        if (edit.at == point && std::binary_search(edit.positions->begin(), edit.positions->end(), row.position))
          edit.edit->apply(HookValue<float>{
              results.matrix().row(i), {1, n_heads, d_model}, {n_heads * d_model, d_model, 1}, row.position});
      const auto edited = std::as_const(results).matrix().row_span(i);
      if (std::memcmp(edited.data(), unedited.matrix().row(i), edited.size_bytes()) != 0)
        heads->sum(edited, attn_out.row(places[i]));
    }
  }

  ConePass& pass_;
  const ModelConfig& config_;
  const ConeBatch& batch_;
  const CleanBlock* clean_;
  MatrixView<float> entering_, leaving_, left_;
  RowRange range_;
  bool after_attention_ = false;
  std::bitset<kHooks> edited_;  // hooks of this block that some run edits
  std::vector<std::size_t> table_rows_;
  std::map<std::size_t, RowRange> computed_;  // by serial number
  CleanBlock* keeping_ = nullptr;
  const std::set<std::size_t>* kept_ = nullptr;
  Tensor logits_;
};

namespace {

// A pass without rows, which finds the values that are read for rows that entered after the values were computed.
class NoRows {
 public:
  explicit NoRows(const std::set<Hook>& entries) : entries_(entries) { admit(Hook::resid_pre); }

  static RowRange range() { return {}; }
  static std::span<const std::size_t> table_rows() { return {}; }
  void admit(Hook hook) {
    entered_ = static_cast<std::size_t>(std::distance(entries_.begin(), entries_.upper_bound(hook)));
  }
  // Memory of one row; views without rows refer to it.
  MatrixView<float> place(std::size_t, Slot slot, std::size_t width) {
    return memory_.take(slot, 1, width).rows_from(0, 0);
  }
  static MatrixView<float> place_again(std::size_t, std::size_t, Slot, MatrixView<float> matrix) { return matrix; }
  void made(std::size_t serial) { known_[serial] = entered_; }
  void fill(std::size_t serial, MatrixView<float>) {
    if (known_[serial] < entered_) read_.insert(serial);
    known_[serial] = std::max(known_[serial], entered_);
  }
  static bool fire(Hook, MatrixView<float>) { return false; }
  // A run's own keys and values include those of the clean run that are not changed.
  void attend(MatrixView<const float>, const KeptColumns& k, const KeptColumns& v, MatrixView<float>) {
    read_.insert(k.serial);
    read_.insert(v.serial);
  }
  static void fire_result(MatrixView<const float>, MatrixView<float>) {}
  static void count(const PackedMatrix&, std::size_t) {}
  static void leave(MatrixView<float>) {}

  const std::set<std::size_t>& read() const { return read_; }

 private:
  const std::set<Hook>& entries_;
  SlotMemory memory_;
  std::size_t entered_ = 0;
  std::map<std::size_t, std::size_t> known_;
  std::set<std::size_t> read_;
};

}  // namespace

std::set<std::size_t> values_read_from_clean(const ConeContext& context, std::size_t layer,
                                             const std::set<Hook>& entries) {
  NoRows rows(entries);
  FloatPass pass(rows, context.config, context.weights, context.tables, layer);
  run_block(pass, context.config.blocks[layer]);
  return rows.read();
}

void ConePass::run_clean(CleanBlock& clean, const std::set<std::size_t>& kept) {
  BatchRows rows(*this, clean.batch, clean.entering.matrix(), nullptr);
  rows.keep_in(clean, kept);
  FloatPass pass(rows, context_.config, context_.weights, context_.tables, layer_);
  run_block(pass, context_.config.blocks[layer_]);
}

MatrixView<const float> ConePass::run(const ConeBatch& batch, MatrixView<float> entering, const CleanBlock& clean) {
  BatchRows rows(*this, batch, entering, &clean);
  FloatPass pass(rows, context_.config, context_.weights, context_.tables, layer_);
  run_block(pass, context_.config.blocks[layer_]);
  return rows.left();
}

Tensor ConePass::embedded(const ConeBatch& batch) {
  Tensor leaving({batch.size(), context_.config.d_model});
  BatchRows rows(*this, batch, {}, nullptr);
  rows.leave_in(leaving.matrix());
  FloatPass pass(rows, context_.config, context_.weights, context_.tables, 0);
  run_embedding(pass, context_.config);
  return leaving;
}

Tensor ConePass::logits(const ConeBatch& batch, MatrixView<float> entering) {
  BatchRows rows(*this, batch, entering, nullptr);
  FloatPass pass(rows, context_.config, context_.weights, context_.tables, 0);
  run_unembedding(pass, context_.config);
  return rows.take_logits();
}

}  // namespace stratoscope
