#include "stratoscope/model/staircase.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/model/cone_rows.h"
#include "stratoscope/model/forward.h"
#include "stratoscope/model/stack_block.h"

namespace stratoscope {

struct CleanRuns {
  std::vector<TokenIds> texts;
  std::vector<std::size_t> first_asked;
  std::vector<CleanBlock> blocks;
  std::vector<Tensor> logits;  // by text
};

std::shared_ptr<CleanRuns> make_clean_runs() { return std::make_shared<CleanRuns>(); }

namespace {

// What a cell holds between blocks: the rows of the residual stream that differ from the clean run's.
struct LiveRows {
  std::vector<std::size_t> positions;  // ascending
  Tensor residual;                     // [positions, d_model]

  const float* row(std::size_t position) const {
    const auto found = std::lower_bound(positions.begin(), positions.end(), position);
    if (found == positions.end() || *found != position) return nullptr;
    return residual.matrix().row(static_cast<std::size_t>(found - positions.begin()));
  }
};

class Staircase {
 public:
  Staircase(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
            const CellsRequest& request)
      : checkpoint_(checkpoint),
        config_(config),
        weights_(weights),
        request_(request),
        offsets_(offsets_of(request.texts)),
        clean_residual_({offsets_.back(), config.d_model}),
        live_(request.cells.size()),
        kept_(request.clean.get()) {
    if (kept_ == nullptr) return;
    if (kept_->texts.empty()) {
      kept_->texts = request.texts;
      kept_->first_asked = request.first_asked;
    }
    if (kept_->texts != request.texts || kept_->first_asked != request.first_asked)
      throw Error("cells", "the clean runs are those of other texts");
  }

  double run() {
    embed();
    for (std::size_t layer = 0; layer < config_.n_layers(); ++layer) {
      if (request_.progress != nullptr) {
        request_.progress->throw_if_cancelled();
        request_.progress->update("blocks", layer, config_.n_layers());
      }
      run_block(layer);
    }
    unembed_clean();
    unembed_cells();
    return operations_;
  }

 private:
  float* clean_row(std::size_t text, std::size_t position) {
    return clean_residual_.matrix().row(offsets_[text] + position);
  }
  // In the last block, what ends before the first row whose logits are asked ends with its keys and values.
  std::size_t first_asked(std::size_t layer, std::size_t text) const {
    return layer + 1 == config_.n_layers() ? request_.first_asked[text] : 0;
  }

  void embed() {
    const auto token_row = [&](std::size_t text, std::size_t position, std::span<float> row) {
      checkpoint_.read_row<float>(Role::embed, static_cast<std::size_t>(request_.texts[text][position]), row);
    };
    const std::size_t d_model = config_.d_model;
    std::vector<float> token(d_model), place(d_model);
    const auto sum = [&](float* out) {
      for (std::size_t i = 0; i < d_model; ++i) out[i] = token[i] + place[i];
    };
    for (std::size_t t = 0; t < request_.texts.size(); ++t)
      for (std::size_t p = 0; p < request_.texts[t].size(); ++p) {
        token_row(t, p, token);
        checkpoint_.read_row<float>(Role::pos_embed, p, place);
        sum(clean_row(t, p));
      }
    for (std::size_t c = 0; c < request_.cells.size(); ++c) {
      const Cell& cell = request_.cells[c];
      LiveRows& live = live_[c];
      live.positions = embedded_rows(cell);
      if (live.positions.empty()) continue;
      live.residual = Tensor({live.positions.size(), d_model});
      for (std::size_t i = 0; i < live.positions.size(); ++i) {
        const std::size_t position = live.positions[i];
        token_row(cell.text, position, token);
        checkpoint_.read_row<float>(Role::pos_embed, position, place);
        for (const HookEdit& edit : cell.edits) {
          if (info_of(edit.at.hook).scope != Scope::before_blocks ||
              !std::binary_search(edit.positions->begin(), edit.positions->end(), position))
            continue;
          float* data = edit.at.hook == Hook::embed ? token.data() : place.data();
          edit.edit->apply(HookValue<float>{data, {1, 1, d_model}, {d_model, d_model, 1}, position});
        }
        sum(live.residual.matrix().row(i));
      }
    }
    checkpoint_.release_pages();
  }

  CleanBlock clean_block(std::size_t layer) {
    std::vector<StackMember> members;
    for (std::size_t t = 0; t < request_.texts.size(); ++t) {
      StackMember member{t, request_.texts[t].size(), nullptr, {{}, 0}};
      for (std::size_t p = 0; p < member.positions; ++p)
        member.cone.rows.push_back({p, Join::resid_pre, p < first_asked(layer, t)});
      members.push_back(std::move(member));
    }
    const bool edits_mlp_pre =
        kept_ != nullptr || std::any_of(request_.cells.begin(), request_.cells.end(), [&](const Cell& cell) {
          return std::any_of(cell.edits.begin(), cell.edits.end(), [&](const HookEdit& edit) {
            return edit.at == HookPoint{Hook::mlp_pre, layer};
          });
        });
    CleanBlock clean(config_, Stack(std::move(members)), edits_mlp_pre);
    for (std::size_t place = 0; place < clean.stack.size(); ++place) {
      const StackRow& row = clean.stack.rows()[place];
      std::copy_n(clean_row(clean.stack.members()[row.member].text, row.row.position), config_.d_model,
                  clean.values.resid_pre.matrix().row(place));
    }
    return clean;
  }

  void run_block(std::size_t layer) {
    StackBlock block(checkpoint_, config_, weights_.blocks[layer], layer);
    if (kept_ != nullptr && layer < kept_->blocks.size()) return run_cells(block, layer, kept_->blocks[layer]);
    CleanBlock clean = clean_block(layer);
    block.run_clean(clean);
    run_cells(block, layer, clean);
    if (kept_ != nullptr) kept_->blocks.push_back(std::move(clean));
  }

  void run_cells(StackBlock& block, std::size_t layer, const CleanBlock& clean) {
    StackValues values(config_, 0);
    std::vector<std::size_t> cells;
    std::vector<StackMember> members;
    std::size_t rows = 0, room = 0;
    const auto flush = [&] {
      if (members.empty()) return;
      const Stack stack(std::exchange(members, {}));
      if (stack.size() > room) {
        room = std::max(stack.size(), std::min(request_.rows_at_once, room * 2));
        values = StackValues(config_, 0);  // never the old and the new at once
        values = StackValues(config_, room);
      }
      run_stack(block, stack, cells, clean, values);
      cells.clear();
      rows = 0;
    };
    for (std::size_t c = 0; c < request_.cells.size(); ++c) {
      const Cell& cell = request_.cells[c];
      const std::size_t positions = request_.texts[cell.text].size();
      StackMember member{cell.text, positions, &cell,
                         cone_rows(cell, layer, live_[c].positions, positions, first_asked(layer, cell.text))};
      if (member.cone.empty()) {
        live_[c] = {};
        continue;
      }
      if (rows + member.cone.rows.size() > request_.rows_at_once) flush();
      rows += member.cone.rows.size();
      members.push_back(std::move(member));
      cells.push_back(c);
    }
    flush();
    for (std::size_t place = clean.stack.up_to(Join::resid_post).first; place < clean.stack.size(); ++place) {
      const StackRow& row = clean.stack.rows()[place];
      std::copy_n(clean.values.resid_post.matrix().row(place), config_.d_model,
                  clean_row(clean.stack.members()[row.member].text, row.row.position));
    }
    operations_ += block.operations().products + block.operations().attention;
  }

  // `cells` are the members' numbers in the request.
  void run_stack(StackBlock& block, const Stack& stack, const std::vector<std::size_t>& cells, const CleanBlock& clean,
                 StackValues& values) {
    const Stack::Range attended = stack.attended();
    parallel_for(attended.count(), [&](std::size_t i) {
      const StackRow& row = stack.rows()[attended.first + i];
      const float* from = live_[cells[row.member]].row(row.row.position);
      if (from == nullptr) from = clean_row(stack.members()[row.member].text, row.row.position);
      std::copy_n(from, config_.d_model, values.resid_pre.matrix().row(attended.first + i));
    });
    block.run(stack, clean, values);
    parallel_for(cells.size(), [&](std::size_t m) {
      LiveRows& live = live_[cells[m]];
      live.positions = stack.members()[m].cone.left();
      live.residual = Tensor({live.positions.size(), config_.d_model});
      for (std::size_t i = 0; i < live.positions.size(); ++i)
        std::copy_n(values.resid_post.matrix().row(*stack.place_of(m, live.positions[i])), config_.d_model,
                    live.residual.matrix().row(i));
    });
  }

  // Logits of a stack whose rows have all joined at resid_pre, which is what leaves the last block here.
  Tensor logits_of(const Stack& stack, StackValues& values) {
    const Stack::Range all = stack.attended();
    stack_norm(stack, all, config_, weights_.ln_final, {{Hook::ln_final_scale, 0}, {Hook::ln_final_normalized, 0}},
               std::as_const(values.resid_pre).matrix(), values);
    fire(stack, {Hook::unembed_in, 0}, all, values.normed.matrix(), config_);
    Tensor logits({all.count(), config_.d_vocab});
    weights_.unembed.multiply(std::as_const(values.normed).matrix(), logits.matrix());
    operations_ += 2 * static_cast<double>(all.count() * config_.d_model) * static_cast<double>(config_.d_vocab);
    fire(stack, {Hook::unembed_out, 0}, all, logits.matrix(), config_);
    return logits;
  }

  void unembed_clean() {
    if (kept_ != nullptr && !kept_->logits.empty()) {
      for (std::size_t t = 0; t < kept_->logits.size(); ++t) {
        clean_logits_.push_back(kept_->logits[t].copy());
        if (request_.take_clean) request_.take_clean(t, std::as_const(kept_->logits[t]).matrix());
      }
      return;
    }
    std::vector<StackMember> members;
    std::size_t rows = 0;
    const auto flush = [&] {
      if (members.empty()) return;
      const Stack stack(std::exchange(members, {}));
      rows = 0;
      StackValues values(config_, stack.size());
      for (std::size_t i = 0; i < stack.size(); ++i) {
        const StackRow& row = stack.rows()[i];
        std::copy_n(clean_row(stack.members()[row.member].text, row.row.position), config_.d_model,
                    values.resid_pre.matrix().row(i));
      }
      const Tensor logits = logits_of(stack, values);
      std::size_t first = 0;
      for (const StackMember& member : stack.members()) {
        const auto own = logits.matrix().rows_from(first, member.cone.rows.size());
        first += own.rows;
        Tensor& kept = clean_logits_.emplace_back(Shape{own.rows, own.cols});
        std::copy_n(own.data, own.rows * own.cols, kept.data());
        if (request_.take_clean) request_.take_clean(member.text, std::as_const(kept).matrix());
      }
    };
    for (std::size_t t = 0; t < request_.texts.size(); ++t) {
      StackMember member{t, request_.texts[t].size(), nullptr, {}};
      for (std::size_t p = request_.first_asked[t]; p < member.positions; ++p)
        member.cone.rows.push_back({p, {}, false});
      if (rows + member.cone.rows.size() > kRowsPerUnembedding) flush();
      rows += member.cone.rows.size();
      members.push_back(std::move(member));
    }
    flush();
    if (kept_ == nullptr) return;
    for (const Tensor& logits : clean_logits_) kept_->logits.push_back(logits.copy());
  }

  void unembed_cells() {
    std::vector<std::size_t> cells;
    std::vector<StackMember> members;
    std::size_t rows = 0;
    const auto flush = [&] {
      if (request_.progress != nullptr) request_.progress->throw_if_cancelled();
      if (!cells.empty()) unembed_stack(Stack(std::exchange(members, {})), cells);
      cells.clear();
      rows = 0;
    };
    for (std::size_t c = 0; c < request_.cells.size(); ++c) {
      const Cell& cell = request_.cells[c];
      const auto asked = unembedded_rows(cell, live_[c].positions, request_.first_asked[cell.text]);
      StackMember member{cell.text, request_.texts[cell.text].size(), &cell, {}};
      for (const std::size_t position : asked) member.cone.rows.push_back({position, {}, false});
      if (rows + asked.size() > kRowsPerUnembedding) flush();
      rows += asked.size();
      members.push_back(std::move(member));
      cells.push_back(c);
    }
    flush();
  }

  void unembed_stack(const Stack& stack, const std::vector<std::size_t>& cells) {
    StackValues values(config_, stack.size());
    for (std::size_t i = 0; i < stack.size(); ++i) {
      const StackRow& row = stack.rows()[i];
      const float* from = live_[cells[row.member]].row(row.row.position);
      if (from == nullptr) from = clean_row(stack.members()[row.member].text, row.row.position);
      std::copy_n(from, config_.d_model, values.resid_pre.matrix().row(i));
    }
    const Tensor logits = stack.size() == 0 ? Tensor() : logits_of(stack, values);
    parallel_for(cells.size(), [&](std::size_t m) {
      const StackMember& member = stack.members()[m];
      const Tensor& clean = clean_logits_[member.text];
      const std::size_t rows = member.cone.rows.size(), first = request_.first_asked[member.text];
      if (rows == 0) return request_.take(cells[m], clean.matrix());
      const std::size_t place = *stack.place_of(m, member.cone.rows[0].position);
      const auto own = logits.matrix().rows_from(place, rows);
      if (rows == clean.shape()[0]) return request_.take(cells[m], own);
      Tensor all = clean.copy();
      for (std::size_t i = 0; i < rows; ++i)
        std::copy_n(own.row(i), own.cols, all.matrix().row(member.cone.rows[i].position - first));
      request_.take(cells[m], std::as_const(all).matrix());
    });
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const Weights& weights_;
  const CellsRequest& request_;
  std::vector<std::size_t> offsets_;  // of the texts' rows
  Tensor clean_residual_;             // [rows of all texts, d_model], what enters the next block
  std::vector<LiveRows> live_;        // by cell
  std::vector<Tensor> clean_logits_;  // by text
  CleanRuns* kept_ = nullptr;
  double operations_ = 0;
};

}  // namespace

double run_staircase(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
                     const CellsRequest& request) {
  return Staircase(checkpoint, config, weights, request).run();
}

}  // namespace stratoscope
