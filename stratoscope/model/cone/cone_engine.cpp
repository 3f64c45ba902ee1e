#include "stratoscope/model/cone/cone_engine.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/model/cone/cone_pass.h"
#include "stratoscope/model/pass/forward.h"

namespace stratoscope {

struct CleanRuns {
  std::vector<TokenIds> texts;
  std::vector<std::size_t> first_asked;
  std::vector<CleanBlock> blocks;
  std::vector<Tensor> logits;  // by text
};

std::shared_ptr<CleanRuns> make_clean_runs() { return std::make_shared<CleanRuns>(); }

namespace {

// The state of an edited run between blocks: the rows of the residual stream that differ from the clean run's.
struct LiveRows {
  std::vector<std::size_t> positions;  // ascending
  Tensor residual;                     // [positions, d_model]

  const float* row(std::size_t position) const {
    const auto found = std::lower_bound(positions.begin(), positions.end(), position);
    if (found == positions.end() || *found != position) return nullptr;
    return residual.matrix().row(static_cast<std::size_t>(found - positions.begin()));
  }
};

// The positions of the rows of the rotary tables: one set for all texts, up to the longest one, or one set for each
// text.
std::vector<TextPosition> positions_of(const std::vector<TokenIds>& texts, bool shared) {
  std::vector<TextPosition> positions;
  for (const TokenIds& ids : texts)
    for (std::size_t p = shared ? positions.size() : 0; p < ids.size(); ++p) positions.push_back({p, ids.size()});
  return positions;
}

std::vector<std::size_t> first_table_rows(const std::vector<TokenIds>& texts, bool shared) {
  std::vector<std::size_t> first = offsets_of(texts);
  if (shared) std::fill(first.begin(), first.end(), std::size_t{0});
  return first;
}

// Collects members into a batch until the next one does not fit.
class Batches {
 public:
  // `run(batch, numbers)` gets each batch with the members' indices in the request.
  template <class Run>
  void add(ConeBatch::Member member, std::size_t number, std::size_t most_rows, const Run& run) {
    if (rows_ + member.cone.rows.size() > most_rows) flush(run);
    rows_ += member.cone.rows.size();
    members_.push_back(std::move(member));
    numbers_.push_back(number);
  }
  template <class Run>
  void flush(const Run& run) {
    if (!members_.empty()) run(ConeBatch(std::exchange(members_, {})), std::exchange(numbers_, {}));
    rows_ = 0;
  }

 private:
  std::vector<ConeBatch::Member> members_;
  std::vector<std::size_t> numbers_;
  std::size_t rows_ = 0;
};

class ConeEngine {
 public:
  ConeEngine(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
             const ConeRequest& request)
      : context_{checkpoint,
                 config,
                 weights,
                 request,
                 RotaryTables(config, positions_of(request.texts, turns_alike_at_all_lengths(config))),
                 first_table_rows(request.texts, turns_alike_at_all_lengths(config))},
        memory_(request.rows_at_once),
        config_(config),
        request_(request),
        offsets_(offsets_of(request.texts)),
        clean_residual_({offsets_.back(), config.d_model}),
        live_(request.runs.size()),
        kept_(request.clean.get()) {
    if (kept_ == nullptr) return;
    if (kept_->texts.empty()) {
      kept_->texts = request.texts;
      kept_->first_asked = request.first_asked;
    }
    if (kept_->texts != request.texts || kept_->first_asked != request.first_asked)
      throw Error("edited runs", "the clean runs are those of other texts");
  }

  double run() {
    embed();
    for (std::size_t layer = 0; layer < config_.n_layers(); ++layer) {
      if (request_.progress != nullptr) {
        request_.progress->throw_if_cancelled();
        request_.progress->update("blocks", layer, config_.n_layers());
      }
      run_one_block(layer);
    }
    memory_ = ConeMemory(request_.rows_at_once);  // logits have wide rows, but only few
    unembed_clean();
    unembed_runs();
    return operations_;
  }

 private:
  float* clean_row(std::size_t text, std::size_t position) {
    return clean_residual_.matrix().row(offsets_[text] + position);
  }
  // In the last block, rows before the first one with requested logits end with their keys and values.
  std::size_t first_asked(std::size_t layer, std::size_t text) const {
    return layer + 1 == config_.n_layers() ? request_.first_asked[text] : 0;
  }
  std::size_t positions(std::size_t text) const { return request_.texts[text].size(); }

  void embed() {
    std::vector<ConeBatch::Member> members;
    for (std::size_t t = 0; t < request_.texts.size(); ++t) {
      ConeBatch::Member& member = members.emplace_back(ConeBatch::Member{t, positions(t)});
      for (std::size_t p = 0; p < member.positions; ++p) member.cone.rows.push_back({p, Hook::embed_ln_scale, false});
    }
    ConePass pass(context_, memory_, 0);
    clean_residual_ = pass.embedded(ConeBatch(std::move(members)));  // by text and position
    Batches batches;
    const auto embed_batch = [&](const ConeBatch& batch, const std::vector<std::size_t>& runs) {
      const Tensor rows = pass.embedded(batch);
      for (std::size_t m = 0; m < runs.size(); ++m) take_live(batch, m, rows.matrix(), live_[runs[m]]);
    };
    for (std::size_t r = 0; r < request_.runs.size(); ++r) {
      const ConeRun& run = request_.runs[r];
      ConeBatch::Member member{run.text, positions(run.text), &run};
      for (const std::size_t position : embedded_rows(run))
        member.cone.rows.push_back({position, Hook::embed_ln_scale, false});
      if (!member.cone.empty()) batches.add(std::move(member), r, request_.rows_at_once, embed_batch);
    }
    batches.flush(embed_batch);
    context_.checkpoint.release_pages();
  }

  // Copies a member's output rows from its batch.
  void take_live(const ConeBatch& batch, std::size_t member, MatrixView<const float> leaving, LiveRows& live) const {
    live.positions = batch.members()[member].cone.left();
    live.residual = Tensor({live.positions.size(), config_.d_model});
    for (std::size_t i = 0; i < live.positions.size(); ++i)
      std::copy_n(leaving.row(*batch.place_of(member, live.positions[i])), config_.d_model,
                  live.residual.matrix().row(i));
  }

  // The hooks at which rows of the request's runs may enter a block.
  std::set<Hook> entries(std::size_t layer) const {
    std::set<Hook> entries;
    if (kept_ != nullptr) {
      for (const HookInfo& info : hook_table())
        if (info.scope == Scope::block && exists({info.hook, layer}, config_)) entries.insert(info.enters_at);
      return entries;
    }
    for (std::size_t r = 0; r < request_.runs.size(); ++r) {
      bool has_changed_keys = !live_[r].positions.empty();
      for (const HookEdit& edit : request_.runs[r].edits) {
        if (edit.at.layer != layer || info_of(edit.at.hook).scope != Scope::block) continue;
        entries.insert(info_of(edit.at.hook).enters_at);
        has_changed_keys |= changes_keys(edit.at.hook);
      }
      if (has_changed_keys) entries.insert(Hook::attn_scores);
    }
    return entries;
  }

  CleanBlock clean_block(std::size_t layer, ConePass& pass) {
    std::vector<ConeBatch::Member> members;
    for (std::size_t t = 0; t < request_.texts.size(); ++t) {
      ConeBatch::Member& member = members.emplace_back(ConeBatch::Member{t, positions(t), nullptr, {{}, 0}});
      for (std::size_t p = 0; p < member.positions; ++p)
        member.cone.rows.push_back({p, Hook::resid_pre, p < first_asked(layer, t)});
    }
    const Shape shape{offsets_.back(), config_.d_model};
    CleanBlock clean{ConeBatch(std::move(members)), Tensor(shape), Tensor(shape), {}, {}, {}};
    for (std::size_t place = 0; place < clean.batch.size(); ++place) {
      const ConeBatch::Row& row = clean.batch.rows()[place];
      std::copy_n(clean_row(clean.batch.members()[row.member].text, row.row.position), config_.d_model,
                  clean.entering.matrix().row(place));
    }
    pass.run_clean(clean, values_read_from_clean(context_, layer, entries(layer)));
    return clean;
  }

  void run_one_block(std::size_t layer) {
    ConePass pass(context_, memory_, layer);
    if (kept_ != nullptr && layer < kept_->blocks.size()) {
      run_block_of_runs(pass, layer, kept_->blocks[layer]);
    } else {
      CleanBlock clean = clean_block(layer, pass);
      run_block_of_runs(pass, layer, clean);
      if (kept_ != nullptr) kept_->blocks.push_back(std::move(clean));
    }
    operations_ += pass.operations();
  }

  void run_block_of_runs(ConePass& pass, std::size_t layer, const CleanBlock& clean) {
    Batches batches;
    const auto run_batch = [&](const ConeBatch& batch, const std::vector<std::size_t>& runs) {
      const auto entering = pass.entering(batch);
      copy_entering(batch, runs, batch.before_keys(Hook::resid_pre), entering);
      const auto leaving = pass.run(batch, entering, clean);
      parallel_for(runs.size(), [&](std::size_t m) { take_live(batch, m, leaving, live_[runs[m]]); });
    };
    for (std::size_t r = 0; r < request_.runs.size(); ++r) {
      const ConeRun& run = request_.runs[r];
      ConeBatch::Member member{run.text, positions(run.text), &run,
                               cone_rows(run, layer, config_.blocks[layer], live_[r].positions, positions(run.text),
                                         first_asked(layer, run.text))};
      if (member.cone.empty())
        live_[r] = {};
      else
        batches.add(std::move(member), r, request_.rows_at_once, run_batch);
    }
    batches.flush(run_batch);
    const RowRange left = clean.batch.after_keys(Hook::resid_post);
    for (std::size_t place = left.first; place < left.end; ++place) {
      const ConeBatch::Row& row = clean.batch.rows()[place];
      std::copy_n(clean.leaving.matrix().row(place), config_.d_model,
                  clean_row(clean.batch.members()[row.member].text, row.row.position));
    }
  }

  // Copies the residual stream of the rows: the run's own, or the clean run's.
  void copy_entering(const ConeBatch& batch, const std::vector<std::size_t>& runs, RowRange range,
                     MatrixView<float> entering) {
    parallel_for(range.count(), [&](std::size_t i) {
      const ConeBatch::Row& row = batch.rows()[range.first + i];
      const float* from =
          batch.members()[row.member].run == nullptr ? nullptr : live_[runs[row.member]].row(row.row.position);
      if (from == nullptr) from = clean_row(batch.members()[row.member].text, row.row.position);
      std::copy_n(from, config_.d_model, entering.row(range.first + i));
    });
  }

  Tensor logits_of(ConePass& pass, const ConeBatch& batch, const std::vector<std::size_t>& runs) {
    if (batch.size() == 0) return {};
    const auto entering = pass.entering(batch);
    copy_entering(batch, runs, {0, batch.size()}, entering);
    return pass.logits(batch, entering);
  }

  void unembed_clean() {
    if (kept_ != nullptr && !kept_->logits.empty()) {
      for (std::size_t t = 0; t < kept_->logits.size(); ++t) {
        clean_logits_.push_back(kept_->logits[t].copy());
        if (request_.take_clean) request_.take_clean(t, std::as_const(kept_->logits[t]).matrix());
      }
      return;
    }
    ConePass pass(context_, memory_, 0);
    Batches batches;
    const auto unembed = [&](const ConeBatch& batch, const std::vector<std::size_t>& texts) {
      const Tensor logits = logits_of(pass, batch, texts);
      std::size_t first = 0;
      for (const ConeBatch::Member& member : batch.members()) {
        const auto own = logits.matrix().rows_from(first, member.cone.rows.size());
        first += own.rows;
        Tensor& kept = clean_logits_.emplace_back(Shape{own.rows, own.cols});
        std::copy_n(own.data, own.rows * own.cols, kept.data());
        if (request_.take_clean) request_.take_clean(member.text, std::as_const(kept).matrix());
      }
    };
    for (std::size_t t = 0; t < request_.texts.size(); ++t) {
      ConeBatch::Member member{t, positions(t)};
      for (std::size_t p = request_.first_asked[t]; p < member.positions; ++p) member.cone.rows.push_back({p});
      batches.add(std::move(member), t, kRowsPerUnembedding, unembed);
    }
    batches.flush(unembed);
    operations_ += pass.operations();
    if (kept_ == nullptr) return;
    for (const Tensor& logits : clean_logits_) kept_->logits.push_back(logits.copy());
  }

  void unembed_runs() {
    ConePass pass(context_, memory_, 0);
    Batches batches;
    const auto unembed = [&](const ConeBatch& batch, const std::vector<std::size_t>& runs) {
      if (request_.progress != nullptr) request_.progress->throw_if_cancelled();
      give_logits(batch, runs, logits_of(pass, batch, runs));
    };
    for (std::size_t r = 0; r < request_.runs.size(); ++r) {
      const ConeRun& run = request_.runs[r];
      ConeBatch::Member member{run.text, positions(run.text), &run};
      for (const std::size_t p : unembedded_rows(run, live_[r].positions, request_.first_asked[run.text]))
        member.cone.rows.push_back({p});
      batches.add(std::move(member), r, kRowsPerUnembedding, unembed);
    }
    batches.flush(unembed);
    operations_ += pass.operations();
  }

  void give_logits(const ConeBatch& batch, const std::vector<std::size_t>& runs, const Tensor& logits) const {
    parallel_for(runs.size(), [&](std::size_t m) {
      const ConeBatch::Member& member = batch.members()[m];
      const Tensor& clean = clean_logits_[member.text];
      const std::size_t rows = member.cone.rows.size(), first = request_.first_asked[member.text];
      if (rows == 0) return request_.take(runs[m], clean.matrix());
      const auto own = logits.matrix().rows_from(*batch.place_of(m, member.cone.rows[0].position), rows);
      if (rows == clean.shape()[0]) return request_.take(runs[m], own);
      Tensor all = clean.copy();
      for (std::size_t i = 0; i < rows; ++i)
        std::copy_n(own.row(i), own.cols, all.matrix().row(member.cone.rows[i].position - first));
      request_.take(runs[m], std::as_const(all).matrix());
    });
  }

  ConeContext context_;
  ConeMemory memory_;
  const ModelConfig& config_;
  const ConeRequest& request_;
  std::vector<std::size_t> offsets_;  // of the texts' rows
  Tensor clean_residual_;             // [rows of all texts, d_model], the input of the next block
  std::vector<LiveRows> live_;        // by edited run
  std::vector<Tensor> clean_logits_;  // by text
  CleanRuns* kept_ = nullptr;
  double operations_ = 0;
};

}  // namespace

double compute_cones(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
                     const ConeRequest& request) {
  return ConeEngine(checkpoint, config, weights, request).run();
}

}  // namespace stratoscope
