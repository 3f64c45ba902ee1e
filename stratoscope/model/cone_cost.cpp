#include "stratoscope/model/cone_rows.h"

namespace stratoscope {
namespace {

struct Rows {
  double qkv = 0, z = 0, mlp_in = 0, mlp_out = 0;  // rows of each product
  double keys = 0;                                 // keys seen by all queries together
};

void count(const ConeRow& row, Rows& rows) {
  const auto until = [&](Join last) { return row.join <= last ? 1.0 : 0.0; };
  rows.qkv += until(Join::resid_pre);
  if (row.leaves) return;
  rows.keys += until(Join::attention) * static_cast<double>(row.position + 1);
  rows.z += until(Join::z);
  rows.mlp_in += until(Join::resid_mid);
  rows.mlp_out += until(Join::mlp_post);
}

double operations_of(const Rows& rows, const ModelConfig& config) {
  const auto d = static_cast<double>(config.d_model), m = static_cast<double>(config.d_mlp);
  return 2 * d * (3 * d * rows.qkv + d * rows.z + m * (rows.mlp_in + rows.mlp_out)) + 4 * d * rows.keys;
}

}  // namespace

CellsCost cost_of(const CellsRequest& request, const ModelConfig& config) {
  const auto asked_of = [&](std::size_t layer, std::size_t text) {
    return layer + 1 == config.n_layers ? request.first_asked[text] : 0;
  };
  const auto logit_operations = [&](std::size_t rows) {
    return 2 * static_cast<double>(rows * config.d_model) * static_cast<double>(config.d_vocab);
  };
  CellsCost cost;
  std::vector<double> of_text;  // a clean run's blocks
  for (std::size_t t = 0; t < request.texts.size(); ++t) {
    Rows rows;
    for (std::size_t layer = 0; layer < config.n_layers; ++layer)
      for (std::size_t p = 0; p < request.texts[t].size(); ++p)
        count({p, Join::resid_pre, p < asked_of(layer, t)}, rows);
    of_text.push_back(operations_of(rows, config) + logit_operations(request.texts[t].size() - request.first_asked[t]));
    cost.operations += of_text.back();
    cost.full_operations += of_text.back();
  }
  for (const Cell& cell : request.cells) {
    Rows rows;
    std::vector<std::size_t> live = embedded_rows(cell);
    for (std::size_t layer = 0; layer < config.n_layers; ++layer) {
      const ConeRows cone = cone_rows(cell, layer, live, request.texts[cell.text].size(), asked_of(layer, cell.text));
      for (const ConeRow& row : cone.rows) count(row, rows);
      live = cone.left();
    }
    cost.operations += operations_of(rows, config) +
                       logit_operations(unembedded_rows(cell, live, request.first_asked[cell.text]).size());
    cost.full_operations += of_text[cell.text];
  }
  return cost;
}

}  // namespace stratoscope
