#include "stratoscope/model/engine.h"

#include <algorithm>
#include <utility>

#include "stratoscope/model/block.h"
#include "stratoscope/model/forward.h"
#include "stratoscope/model/kv_cache.h"
#include "stratoscope/ops/add.h"

namespace stratoscope {
namespace {

class Engine {
 public:
  Engine(const ModelConfig& config, const Checkpoint& checkpoint, const Weights& weights, const RunRequest& request)
      : config_(config),
        weights_(weights),
        request_(request),
        blocks_(blocks_of(request, config)),
        run_{offsets_of(request.sequences), {}, {}, {}, {}},
        hooks_(config, request, run_),
        scratch_(config, run_.rows()),
        context_{config, checkpoint, run_.row_offsets, request.cache} {
    const std::size_t rows = run_.rows(), d_model = config.d_model;
    if (request.hidden_states) run_.hidden_states = Tensor({hidden_states_of(blocks_), rows, d_model});
    streams_[0] = Tensor({rows, d_model});
    if (!request.hidden_states) streams_[1] = Tensor({rows, d_model});
  }

  Run<float> run() {
    if (request_.start)
      begin(*request_.start);
    else
      embed();
    for (std::size_t layer = blocks_.first; layer < blocks_.last; ++layer) {
      report(request_, layer, config_.n_layers());
      run_block(context_, weights_.blocks[layer], layer, entering(layer), entering(layer + 1), scratch_, hooks_);
    }
    if (request_.stop_at)
      stop();
    else
      unembed();
    hooks_.check_that_all_fired();
    if (request_.cache != nullptr)
      for (std::size_t s = 0; s < request_.sequences.size(); ++s)
        request_.cache->advance(s, request_.sequences[s].size());
    return std::move(run_);
  }

 private:
  // What enters block `layer`: a slice of hidden_states where they are wanted, else one of two buffers in turn. What
  // leaves the last block is no hidden state.
  MatrixView<float> entering(std::size_t layer) {
    if (!request_.hidden_states) return streams_[layer % 2].matrix();
    const bool is_hidden_state = layer < blocks_.last || request_.stop_at;
    return is_hidden_state ? run_.hidden_states.slice(layer - blocks_.first) : streams_[0].matrix();
  }

  void embed() {
    const auto token = scratch_.normed.matrix(), position = scratch_.normalized.matrix();
    std::size_t row = 0;
    for (std::size_t s = 0; s < request_.sequences.size(); ++s) {
      const std::size_t first = hooks_.first_position(s);
      for (std::size_t p = 0; p < request_.sequences[s].size(); ++p, ++row) {
        const auto id = static_cast<std::size_t>(request_.sequences[s][p]);
        context_.checkpoint.read_row<float>(Role::embed, id, token.row_span(row));
        context_.checkpoint.read_row<float>(Role::pos_embed, first + p, position.row_span(row));
      }
    }
    context_.checkpoint.release_pages();  // one row of the table brings in many of its neighbours
    hooks_.fire({Hook::embed, 0}, token);
    hooks_.fire({Hook::pos_embed, 0}, position);
    add(token, position, entering(0));
  }

  void begin(const Start& start) {
    const auto stream = entering(start.block);
    for (std::size_t r = 0; r < stream.rows; ++r)
      std::transform(start.residual.matrix().row(r), start.residual.matrix().row(r) + stream.cols, stream.row(r),
                     [](double x) { return static_cast<float>(x); });
  }

  void stop() {
    const auto stream = entering(blocks_.last);
    run_.residual = Tensor({stream.rows, stream.cols});
    for (std::size_t r = 0; r < stream.rows; ++r)
      std::copy_n(stream.row(r), stream.cols, run_.residual.matrix().row(r));
  }

  void unembed() {
    const auto normed =
        request_.hidden_states ? run_.hidden_states.slice(blocks_.last - blocks_.first) : scratch_.normed.matrix();
    run_norm(entering(blocks_.last), config_, weights_.ln_final,
             {{Hook::ln_final_scale, 0}, {Hook::ln_final_normalized, 0}}, scratch_, normed, hooks_);
    hooks_.fire({Hook::unembed_in, 0}, normed);
    const HookPoint point{Hook::unembed_out, 0};
    if (request_.logits == LogitRows::all || hooks_.captures(point)) {
      Tensor logits({normed.rows, weights_.unembed.out()});
      weights_.unembed.multiply(normed, logits.matrix());
      hooks_.fire(point, logits.matrix());
      if (request_.logits == LogitRows::all) run_.logits = std::move(logits);
      if (request_.logits == LogitRows::last)
        run_.logits = last_rows<float>(std::as_const(logits).matrix(), run_.row_offsets);
    } else if (request_.logits == LogitRows::last) {
      const Tensor last = last_rows<float>(normed, run_.row_offsets);
      run_.logits = Tensor({last.shape()[0], weights_.unembed.out()});
      weights_.unembed.multiply(last.matrix(), run_.logits.matrix());
      edit_last_logits(request_, hooks_, run_.logits);
    }
  }

  const ModelConfig& config_;
  const Weights& weights_;
  const RunRequest& request_;
  BlockRange blocks_;
  Run<float> run_;
  Hooks<float> hooks_;
  Scratch scratch_;
  BlockContext context_;
  Tensor streams_[2];
};

}  // namespace

Run<float> engine_forward(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
                          const RunRequest& request) {
  return Engine(config, checkpoint, weights, request).run();
}

}  // namespace stratoscope
