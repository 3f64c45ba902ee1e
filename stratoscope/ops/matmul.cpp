#include "stratoscope/ops/matmul.h"

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/ops/row_blocks.h"

namespace stratoscope {
namespace {

using dnnl::memory;

// oneDNN's AVX2 and older kernels sum a row in an order that depends on how many rows there are. Given always this
// many rows on one thread they do not: every place in a block of 48 has the same order (24 and 16 divide it).
constexpr std::size_t kFixedRows = 48;

// A long sum in float32 loses digits as it grows, so the inner dimension is summed in parts, each from zero: for 768
// numbers that halves the error. Every part passes over y once more, which a y much wider than x (logits) is not worth.
std::size_t part_length(std::size_t in, std::size_t out) {
  constexpr std::size_t kMostParts = 6, kShortest = 64, kWidest = 8;
  return out > kWidest * in ? in : std::max(kShortest, (in + kMostParts - 1) / kMostParts);
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

}  // namespace

struct PackedMatrix::Packed {
  struct Part {
    std::size_t first, count;  // which of the inner dimension's numbers
    memory weights;
  };
  std::vector<Part> parts;
  Tensor weights;  // of all parts, one after another
  std::vector<float> bias;
  bool rows_are_independent = true;  // the kernel gives a row the same bits among any number of rows

  Start start_of(const Part& part) const {
    if (part.first > 0) return Start::from_sum;
    return bias.empty() ? Start::from_zero : Start::from_bias;
  }

  // The primitives of all parts for one number of rows: making them takes longer than a small product.
  struct Product {
    dnnl::matmul primitive;
    memory::desc scratchpad;
  };
  using Products = std::vector<Product>;
  mutable std::mutex products_gate;
  mutable std::map<std::size_t, std::shared_ptr<const Products>> products;  // by the number of rows

  std::shared_ptr<const Products> products_for(std::size_t rows, MatrixView<float> y) const {
    constexpr std::size_t kMostKept = 16;
    const std::lock_guard lock(products_gate);
    if (const auto found = products.find(rows); found != products.end()) return found->second;
    if (products.size() >= kMostKept) products.clear();
    Products made;
    for (const Part& part : parts) {
      made.push_back(with_memory_for_code([&] {
        const auto description = describe(rows_desc(rows, part.count, part.count), part.weights.get_desc(),
                                          rows_desc(rows, y.cols, y.stride), start_of(part));
        return Product{dnnl::matmul(description), description.scratchpad_desc()};
      }));
    }
    return products[rows] = std::make_shared<const Products>(std::move(made));
  }

  // The columns of each part side by side, part after part.
  Tensor in_pieces(MatrixView<const float> x) const {
    Tensor pieces({x.rows, x.cols});
    for_row_blocks(x.rows, x.cols, [&](std::size_t r) {
      for (const Part& part : parts)
        std::copy_n(x.row(r) + part.first, part.count, pieces.data() + x.rows * part.first + r * part.count);
    });
    return pieces;
  }

  void execute(MatrixView<const float> x, MatrixView<float> y) const {
    dnnl::stream stream(cpu());
    const auto of_parts = products_for(x.rows, y);
    // oneDNN's fast kernels want x without gaps between its rows.
    const bool dense = parts[0].count == x.stride;
    Tensor pieces;
    if (!dense) pieces = in_pieces(x);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Part& part = parts[i];
      float* const piece = dense ? const_cast<float*>(x.data) : pieces.data() + x.rows * part.first;
      std::unordered_map<int, memory> arguments{
          {DNNL_ARG_SRC, memory(rows_desc(x.rows, part.count, part.count), cpu(), piece)},
          {DNNL_ARG_WEIGHTS, part.weights},
          {DNNL_ARG_DST, memory(rows_desc(y.rows, y.cols, y.stride), cpu(), y.data)},
          {DNNL_ARG_SCRATCHPAD, memory((*of_parts)[i].scratchpad, cpu())},
      };
      if (start_of(part) == Start::from_bias) {
        const memory::desc b({1, dim(bias.size())}, memory::data_type::f32, memory::format_tag::ab);
        arguments.emplace(DNNL_ARG_BIAS, memory(b, cpu(), const_cast<float*>(bias.data())));
      }
      (*of_parts)[i].primitive.execute(stream, arguments);
    }
    stream.wait();
  }

  // The form in which the kernel of this part wants its weights.
  memory::desc weights_desc(const Part& part, std::size_t out) {
    const memory::desc any({dim(part.count), dim(out)}, memory::data_type::f32, memory::format_tag::any);
    const auto product = with_memory_for_code([&] {
      return describe(rows_desc(kFixedRows, part.count, part.count), any, rows_desc(kFixedRows, out, out),
                      start_of(part));
    });
    rows_are_independent = rows_are_independent && std::string_view(product.impl_info_str()).starts_with("brg");
    return product.weights_desc();
  }

  void pack(const float* rows, std::size_t in, std::size_t out, WeightLayout layout) {
    constexpr std::size_t kAligned = 64 / sizeof(float);
    const std::size_t length = part_length(in, out);
    std::vector<std::size_t> begins = {0};
    std::vector<memory::desc> descs;
    for (std::size_t first = 0; first < in; first += length) {
      parts.push_back({first, std::min(length, in - first), {}});
      descs.push_back(weights_desc(parts.back(), out));
      const std::size_t numbers = (descs.back().get_size() + sizeof(float) - 1) / sizeof(float);
      begins.push_back(begins.back() + (numbers + kAligned - 1) / kAligned * kAligned);
    }
    weights = Tensor({begins.back()});
    const bool in_out = layout == WeightLayout::in_out;
    const memory::dims strides = in_out ? memory::dims{dim(out), 1} : memory::dims{1, dim(in)};
    dnnl::stream stream(cpu());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const memory::desc plain_desc({dim(parts[i].count), dim(out)}, memory::data_type::f32, strides);
      memory plain(plain_desc, cpu(), const_cast<float*>(rows + parts[i].first * (in_out ? out : 1)));
      parts[i].weights = memory(descs[i], cpu(), weights.data() + begins[i]);
      auto reorder = with_memory_for_code([&] { return dnnl::reorder(plain, parts[i].weights); });
      reorder.execute(stream, plain, parts[i].weights);
    }
    stream.wait();
  }

  // Whole blocks of kFixedRows, each on one thread (oneDNN runs serially inside a parallel loop).
  void execute_in_fixed_blocks(MatrixView<const float> x, MatrixView<float> y) const {
    const std::size_t blocks = (x.rows + kFixedRows - 1) / kFixedRows;
    parallel_for(std::max<std::size_t>(blocks, 2), [&](std::size_t block) {
      if (block >= blocks) return;  // the second turn exists only to keep a single block inside a parallel region
      const std::size_t first = block * kFixedRows, count = std::min(kFixedRows, x.rows - first);
      if (count == kFixedRows) return execute(x.rows_from(first, count), y.rows_from(first, count));
      Tensor padded_x = Tensor::zeros({kFixedRows, x.cols}), padded_y({kFixedRows, y.cols});
      for (std::size_t r = 0; r < count; ++r) std::copy_n(x.row(first + r), x.cols, padded_x.matrix().row(r));
      execute(std::as_const(padded_x).matrix(), padded_y.matrix());
      for (std::size_t r = 0; r < count; ++r) std::copy_n(padded_y.matrix().row(r), y.cols, y.row(first + r));
    });
  }
};

PackedMatrix::PackedMatrix(const float* weights, std::size_t in, std::size_t out, WeightLayout layout,
                           const float* bias)
    : in_(in), out_(out), packed_(std::make_unique<Packed>()) {
  try {
    if (bias != nullptr) packed_->bias.assign(bias, bias + out);
    packed_->pack(weights, in, out, layout);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    throw Error("matmul", "weights of shape " + to_string({in, out}) + " cannot be packed: " + error.what());
  }
}

PackedMatrix::PackedMatrix() = default;
PackedMatrix::~PackedMatrix() = default;
PackedMatrix::PackedMatrix(PackedMatrix&&) noexcept = default;
PackedMatrix& PackedMatrix::operator=(PackedMatrix&&) noexcept = default;

std::size_t PackedMatrix::bytes() const {
  if (!packed_) return 0;
  return (packed_->bias.size() + packed_->weights.size()) * sizeof(float);
}

void PackedMatrix::multiply(MatrixView<const float> x, MatrixView<float> y) const {
  if (x.rows == 0) return;
  if (y.stride != y.cols) {  // oneDNN's fast kernels want no gaps between the rows of y either
    Tensor dense({y.rows, y.cols});
    multiply(x, dense.matrix());
    for (std::size_t r = 0; r < y.rows; ++r) std::copy_n(dense.matrix().row(r), y.cols, y.row(r));
    return;
  }
  try {
    if (packed_->rows_are_independent)
      packed_->execute(x, y);
    else
      packed_->execute_in_fixed_blocks(x, y);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    throw Error("matmul", "product of " + to_string({x.rows, in_, out_}) + " failed: " + error.what());
  }
}

const char* instruction_set() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41: return "SSE41";
    case dnnl::cpu_isa::avx: return "AVX";
    case dnnl::cpu_isa::avx2: return "AVX2";
    case dnnl::cpu_isa::avx512_core: return "AVX512_CORE";
    case dnnl::cpu_isa::avx512_core_vnni: return "AVX512_CORE_VNNI";
    case dnnl::cpu_isa::avx512_core_bf16: return "AVX512_CORE_BF16";
    case dnnl::cpu_isa::avx512_core_amx: return "AVX512_CORE_AMX";
    default: return "other";
  }
}

}  // namespace stratoscope
