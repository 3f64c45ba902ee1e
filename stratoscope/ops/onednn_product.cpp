#include "stratoscope/ops/onednn_product.h"

#include <algorithm>
#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/ops/instruction_set.h"
#include "stratoscope/ops/row_blocks.h"

namespace stratoscope {
namespace {

using dnnl::memory;

// Every part passes over y once more, which a y much wider than x (logits) is not worth.
std::size_t part_length(std::size_t in, std::size_t out) {
  constexpr std::size_t kWidest = 8;
  return out > kWidest * in ? in : std::max(kShortestPart, (in + kMostParts - 1) / kMostParts);
}

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::dim dim(std::size_t n) { return static_cast<memory::dim>(n); }

memory::desc rows_desc(std::size_t rows, std::size_t cols, std::size_t stride) {
  return {{dim(rows), dim(cols)}, memory::data_type::f32, {dim(stride), 1}};
}

// Makes something of oneDNN's that generates code. Without memory for the code, oneDNN 2.6 writes it to address zero;
// so there must be plenty first, and one thread at a time, that what is seen to be there still is.
template <class Make>
auto with_memory_for_code(const Make& make) {
  constexpr std::size_t kPlenty = std::size_t{16} << 20;  // a product has up to a score of kernels of 256 KiB
  static std::mutex gate;
  const std::lock_guard lock(gate);
  require_memory(kPlenty);
  return make();
}

// y = x w + b, or y += x w where there is a sum in y already.
enum class Start { from_zero, from_bias, from_sum };

dnnl::matmul::primitive_desc describe(const memory::desc& x, const memory::desc& w, const memory::desc& y,
                                      Start start) {
  dnnl::primitive_attr attributes;
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);  // an environment variable could relax it otherwise
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (start == Start::from_sum) {
    dnnl::post_ops accumulate;
    accumulate.append_sum(1.0F);
    attributes.set_post_ops(accumulate);
  }
  if (start != Start::from_bias) return {dnnl::matmul::desc(x, w, y), attributes, cpu()};
  const memory::desc b({1, y.dims()[1]}, memory::data_type::f32, memory::format_tag::ab);
  return {dnnl::matmul::desc(x, w, b, y), attributes, cpu()};
}

class OneDnnProduct : public Product {
 public:
  // Packs nothing where rows depend on one another: `rows_are_independent` tells.
  explicit OneDnnProduct(const PlainWeights& plain) : in_(plain.in), out_(plain.out) {
    if (plain.bias != nullptr) bias_.assign(plain.bias, plain.bias + out_);
    const std::size_t length = part_length(in_, out_);
    std::vector<memory::desc> descs;
    for (std::size_t first = 0; first < in_; first += length) {
      parts_.push_back({first, std::min(length, in_ - first), {}});
      descs.push_back(weights_desc(parts_.back()));
    }
    if (rows_are_independent_) pack(plain, descs);
  }

  bool rows_are_independent() const { return rows_are_independent_; }

  std::size_t bytes() const override { return (bias_.size() + weights_.size()) * sizeof(float); }

  void multiply(MatrixView<const float> x, MatrixView<float> y) const override try {
    if (y.stride != y.cols) {  // oneDNN's fast kernels want no gaps between the rows of y
      Tensor dense({y.rows, y.cols});
      multiply(x, dense.matrix());
      for (std::size_t r = 0; r < y.rows; ++r) std::copy_n(dense.matrix().row(r), y.cols, y.row(r));
      return;
    }
    dnnl::stream stream(cpu());
    const auto of_parts = kernels_for(x.rows);
    // Nor between those of x.
    const bool dense = parts_[0].count == x.stride;
    Tensor pieces;
    if (!dense) pieces = in_pieces(x);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Part& part = parts_[i];
      float* const piece = dense ? const_cast<float*>(x.data) : pieces.data() + x.rows * part.first;
      std::unordered_map<int, memory> arguments{
          {DNNL_ARG_SRC, memory(rows_desc(x.rows, part.count, part.count), cpu(), piece)},
          {DNNL_ARG_WEIGHTS, part.weights},
          {DNNL_ARG_DST, memory(rows_desc(y.rows, y.cols, y.stride), cpu(), y.data)},
          {DNNL_ARG_SCRATCHPAD, memory((*of_parts)[i].scratchpad, cpu())},
      };
      if (start_of(part) == Start::from_bias) {
        const memory::desc b({1, dim(bias_.size())}, memory::data_type::f32, memory::format_tag::ab);
        arguments.emplace(DNNL_ARG_BIAS, memory(b, cpu(), const_cast<float*>(bias_.data())));
      }
      (*of_parts)[i].primitive.execute(stream, arguments);
    }
    stream.wait();
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    throw Error("matmul", "product of " + to_string({x.rows, in_, out_}) + " failed: " + error.what());
  }

 private:
  struct Part {
    std::size_t first, count;  // which of the inner dimension's numbers
    memory weights;
  };
  // The primitives of all parts for one number of rows: making them takes longer than a small product.
  struct Kernel {
    dnnl::matmul primitive;
    memory::desc scratchpad;
  };
  using Kernels = std::vector<Kernel>;

  Start start_of(const Part& part) const {
    if (part.first > 0) return Start::from_sum;
    return bias_.empty() ? Start::from_zero : Start::from_bias;
  }

  std::shared_ptr<const Kernels> kernels_for(std::size_t rows) const {
    constexpr std::size_t kMostKept = 16;
    const std::lock_guard lock(kernels_gate_);
    if (const auto found = kernels_.find(rows); found != kernels_.end()) return found->second;
    if (kernels_.size() >= kMostKept) kernels_.clear();
    Kernels made;
    for (const Part& part : parts_) {
      made.push_back(with_memory_for_code([&] {
        const auto description = describe(rows_desc(rows, part.count, part.count), part.weights.get_desc(),
                                          rows_desc(rows, out_, out_), start_of(part));
        return Kernel{dnnl::matmul(description), description.scratchpad_desc()};
      }));
    }
    return kernels_[rows] = std::make_shared<const Kernels>(std::move(made));
  }

  // The columns of each part side by side, part after part.
  Tensor in_pieces(MatrixView<const float> x) const {
    Tensor pieces({x.rows, x.cols});
    for_row_blocks(x.rows, x.cols, [&](std::size_t r) {
      for (const Part& part : parts_)
        std::copy_n(x.row(r) + part.first, part.count, pieces.data() + x.rows * part.first + r * part.count);
    });
    return pieces;
  }

  // The form in which the kernel of this part wants its weights.
  memory::desc weights_desc(const Part& part) {
    constexpr std::size_t kSomeRows = 48;
    const memory::desc any({dim(part.count), dim(out_)}, memory::data_type::f32, memory::format_tag::any);
    const auto kernel = with_memory_for_code([&] {
      return describe(rows_desc(kSomeRows, part.count, part.count), any, rows_desc(kSomeRows, out_, out_),
                      start_of(part));
    });
    rows_are_independent_ = rows_are_independent_ && std::string_view(kernel.impl_info_str()).starts_with("brg");
    return kernel.weights_desc();
  }

  void pack(const PlainWeights& plain, const std::vector<memory::desc>& descs) {
    constexpr std::size_t kAligned = 64 / sizeof(float);
    std::vector<std::size_t> begins = {0};
    for (const memory::desc& desc : descs) {
      const std::size_t numbers = (desc.get_size() + sizeof(float) - 1) / sizeof(float);
      begins.push_back(begins.back() + (numbers + kAligned - 1) / kAligned * kAligned);
    }
    weights_ = Tensor({begins.back()});
    const bool in_out = plain.layout == WeightLayout::in_out;
    const memory::dims strides = in_out ? memory::dims{dim(out_), 1} : memory::dims{1, dim(in_)};
    dnnl::stream stream(cpu());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const memory::desc desc({dim(parts_[i].count), dim(out_)}, memory::data_type::f32, strides);
      memory from(desc, cpu(), const_cast<float*>(plain.data + parts_[i].first * (in_out ? out_ : 1)));
      parts_[i].weights = memory(descs[i], cpu(), weights_.data() + begins[i]);
      auto reorder = with_memory_for_code([&] { return dnnl::reorder(from, parts_[i].weights); });
      reorder.execute(stream, from, parts_[i].weights);
    }
    stream.wait();
  }

  std::size_t in_, out_;
  std::vector<Part> parts_;
  Tensor weights_;  // of all parts, one after another
  std::vector<float> bias_;
  bool rows_are_independent_ = true;
  mutable std::mutex kernels_gate_;
  mutable std::map<std::size_t, std::shared_ptr<const Kernels>> kernels_;  // by the number of rows
};

}  // namespace

std::unique_ptr<const Product> pack_for_onednn(const PlainWeights& weights) try {
  if (!may_use_avx512()) return nullptr;  // asking for a kernel takes time
  auto product = std::make_unique<const OneDnnProduct>(weights);
  if (!product->rows_are_independent()) return nullptr;
  return product;
} catch (const dnnl::error& error) {
  if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
  throw Error("matmul",
              "weights of shape " + to_string({weights.in, weights.out}) + " cannot be packed: " + error.what());
}

}  // namespace stratoscope
