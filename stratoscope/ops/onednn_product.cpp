#include "stratoscope/ops/onednn_product.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/ops/instruction_set.h"

namespace stratoscope {
namespace {

using dnnl::memory;

// Every part passes over y once more, which a y much wider than x (logits) is not worth.
std::size_t part_length(std::size_t in, std::size_t out) {
  constexpr std::size_t kWidest = 8;
  return out > kWidest * in ? in : std::max(kShortestPart, (in + kMostParts - 1) / kMostParts);
}

const dnnl::engine& cpu() {
  static const dnnl::engine engine = [] {
    // The environment could make oneDNN print among our results and write files.
    dnnl::set_verbose(0);
    dnnl::set_jit_dump(0);
    dnnl::set_jit_profiling_flags(DNNL_JIT_PROFILE_NONE);
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

memory::dim dim(std::size_t n) { return static_cast<memory::dim>(n); }

memory::desc rows_desc(std::size_t rows, std::size_t cols) {
  return {{dim(rows), dim(cols)}, memory::data_type::f32, memory::format_tag::ab};
}

memory::desc bias_desc(std::size_t cols) { return rows_desc(1, cols); }

// While it lives, oneDNN starts no threads for the calling one: it divides a product among as many as it asks OpenMP
// for, and computes wrong numbers where OpenMP gives fewer.
class OneThread {
 public:
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

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
  return {dnnl::matmul::desc(x, w, bias_desc(static_cast<std::size_t>(y.dims()[1])), y), attributes, cpu()};
}

// Each part of the inner dimension by each group of columns has a matrix of its own in oneDNN's form.
class OneDnnProduct : public Product {
 public:
  // Packs nothing where rows depend on one another: `rows_are_independent` tells.
  explicit OneDnnProduct(const PlainWeights& plain) : in_(plain.in), out_(plain.out), width_(group_width(out_)) {
    const OneThread one;
    if (plain.bias != nullptr) bias_.assign(plain.bias, plain.bias + out_);
    const std::size_t length = part_length(in_, out_);
    for (std::size_t first = 0; first < in_; first += length) parts_.push_back({first, std::min(length, in_ - first)});
    std::vector<memory::desc> descs;
    for (std::size_t column = 0; column < out_; column += width_)
      for (const Part& part : parts_) descs.push_back(weights_desc(part, std::min(width_, out_ - column)));
    if (rows_are_independent_) pack(plain, descs);
  }

  bool rows_are_independent() const { return rows_are_independent_; }

  std::size_t bytes() const override { return (bias_.size() + weights_.size()) * sizeof(float); }

  void multiply(MatrixView<const float> x, MatrixView<float> y) const override try {
    const std::vector<Block> blocks = blocks_of(x.rows);
    parallel_for(blocks.size() * groups(), [&](std::size_t task) {
      const Block& block = blocks[task % blocks.size()];
      const std::size_t group = task / blocks.size();
      multiply_block(*block.kernels, group, x.rows_from(block.first, block.rows),
                     y.rows_from(block.first, block.rows).cols_from(group * width_, width_of(group)));
    });
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    throw Error("matmul", "product of " + to_string({x.rows, in_, out_}) + " failed: " + error.what());
  }

 private:
  struct Part {
    std::size_t first, count;  // which of the inner dimension's numbers
  };
  struct Kernel {
    dnnl::matmul primitive;
    memory::desc x, y, scratchpad;
  };
  // Of every part for one number of rows, for groups as wide as the first and as the last: making them takes longer
  // than a small product.
  using Kernels = std::array<std::vector<Kernel>, 2>;

  // As many for each thread that there is now, and narrow enough for a cache; more or fewer threads take them too.
  static std::size_t group_width(std::size_t out) {
    constexpr std::size_t kNarrowest = 64, kWidest = 1536;  // multiples of the kernels' own width
    const auto threads = static_cast<std::size_t>(threads_in_scope());
    const std::size_t of_each = (out + threads * kWidest - 1) / (threads * kWidest), groups = threads * of_each;
    const std::size_t even = ((out + groups - 1) / groups + kNarrowest - 1) / kNarrowest * kNarrowest;
    return std::min(out, even);
  }

  struct Block {
    std::size_t first, rows;
    std::shared_ptr<const Kernels> kernels;
  };

  // Few enough rows in each that its part of y stays in the second cache, and that each thread has work; no sum knows
  // of it. Powers of two, but for the rows of a short prompt: oneDNN makes code for each number of rows, and a sweep
  // meets hundreds of them.
  std::vector<Block> blocks_of(std::size_t rows) const {
    constexpr std::size_t kLeast = 32, kMost = 128;
    const auto wanted = static_cast<std::size_t>(threads_in_scope());
    const std::size_t most = std::bit_ceil(std::clamp((rows * groups() + wanted - 1) / wanted, kLeast, kMost));
    std::vector<Block> blocks;
    for (std::size_t first = 0; first < rows; first += blocks.back().rows) {
      const std::size_t left = rows - first;
      const bool is_short_prompt = first == 0 && left >= kLeast / 2 && left < kLeast;
      const std::size_t height = is_short_prompt ? left : std::min(std::bit_floor(left), most);
      blocks.push_back({first, height, kernels_for(height)});
    }
    return blocks;
  }

  std::size_t groups() const { return (out_ + width_ - 1) / width_; }
  std::size_t width_of(std::size_t group) const { return std::min(width_, out_ - group * width_); }

  Start start_of(const Part& part) const {
    if (part.first > 0) return Start::from_sum;
    return bias_.empty() ? Start::from_zero : Start::from_bias;
  }

  std::shared_ptr<const Kernels> kernels_for(std::size_t rows) const {
    const std::lock_guard lock(kernels_gate_);
    if (const auto found = kernels_.find(rows); found != kernels_.end()) return found->second;
    const OneThread one;
    Kernels made;
    for (const std::size_t last : {0U, 1U}) {
      const std::size_t group = last == 0 ? 0 : groups() - 1;
      for (std::size_t i = 0; i < parts_.size(); ++i) {
        const auto x = rows_desc(rows, parts_[i].count), y = rows_desc(rows, width_of(group));
        made[last].push_back(with_memory_for_code([&] {
          const auto description = describe(x, weights_of(group, i).get_desc(), y, start_of(parts_[i]));
          return Kernel{dnnl::matmul(description), x, y, description.scratchpad_desc()};
        }));
      }
    }
    return kernels_[rows] = std::make_shared<const Kernels>(std::move(made));
  }

  const memory& weights_of(std::size_t group, std::size_t part) const { return packed_[group * parts_.size() + part]; }

  void multiply_block(const Kernels& kernels, std::size_t group, MatrixView<const float> x, MatrixView<float> y) const {
    const OneThread one;
    thread_local Tensor sums, piece;  // oneDNN's fast kernels want no gaps between rows
    const bool dense = y.stride == y.cols;
    if (!dense && sums.size() < y.rows * y.cols) sums = Tensor({y.rows * y.cols});
    float* const to = dense ? y.data : sums.data();
    dnnl::stream stream(cpu());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Part& part = parts_[i];
      const Kernel& kernel = kernels[group + 1 < groups() ? 0 : 1][i];
      const float* const from = part.count == x.stride ? x.data : copied(x, part, piece);
      std::unordered_map<int, memory> arguments{
          {DNNL_ARG_SRC, memory(kernel.x, cpu(), const_cast<float*>(from))},
          {DNNL_ARG_WEIGHTS, weights_of(group, i)},
          {DNNL_ARG_DST, memory(kernel.y, cpu(), to)},
          {DNNL_ARG_SCRATCHPAD, memory(kernel.scratchpad, cpu())},
      };
      if (start_of(part) == Start::from_bias)
        arguments.emplace(DNNL_ARG_BIAS, memory(bias_desc(y.cols), cpu(), const_cast<float*>(&bias_[group * width_])));
      kernel.primitive.execute(stream, arguments);
    }
    stream.wait();
    if (!dense)
      for (std::size_t r = 0; r < y.rows; ++r) std::copy_n(to + r * y.cols, y.cols, y.row(r));
  }

  // The part's columns of x, side by side.
  static const float* copied(MatrixView<const float> x, const Part& part, Tensor& piece) {
    if (piece.size() < x.rows * part.count) piece = Tensor({x.rows * part.count});
    for (std::size_t r = 0; r < x.rows; ++r)
      std::copy_n(x.row(r) + part.first, part.count, piece.data() + r * part.count);
    return piece.data();
  }

  // The form in which the kernel of this part wants its weights for so many columns.
  memory::desc weights_desc(const Part& part, std::size_t columns) {
    constexpr std::size_t kSomeRows = 48;
    const memory::desc any({dim(part.count), dim(columns)}, memory::data_type::f32, memory::format_tag::any);
    const auto kernel = with_memory_for_code(
        [&] { return describe(rows_desc(kSomeRows, part.count), any, rows_desc(kSomeRows, columns), start_of(part)); });
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
    packed_.resize(descs.size());
    const bool in_out = plain.layout == WeightLayout::in_out;
    const memory::dims strides = in_out ? memory::dims{dim(out_), 1} : memory::dims{1, dim(in_)};
    parallel_for(descs.size(), [&](std::size_t i) {
      const OneThread one;
      const std::size_t row = parts_[i % parts_.size()].first, column = i / parts_.size() * width_;
      memory from({descs[i].dims(), memory::data_type::f32, strides}, cpu(),
                  const_cast<float*>(plain.data + (in_out ? row * out_ + column : column * in_ + row)));
      packed_[i] = memory(descs[i], cpu(), weights_.data() + begins[i]);
      auto reorder = with_memory_for_code([&] { return dnnl::reorder(from, packed_[i]); });
      dnnl::stream stream(cpu());
      reorder.execute(stream, from, packed_[i]);
      stream.wait();
    });
  }

  std::size_t in_, out_, width_;  // width: of a group of columns
  std::vector<Part> parts_;
  std::vector<memory> packed_;  // [group, part]
  Tensor weights_;              // of all of them, one after another
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
