// Functions of numbers, and the library's versions.
#include <algorithm>
#include <span>

#include "stratoscope/analysis/similarity.h"
#include "stratoscope/c/call.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/tensor/shape.h"
#include "stratoscope/version.h"

namespace stratoscope::c {
namespace {

// Throws an Error where there are numbers and a pointer is NULL, and for more numbers than memory can hold.
void check_rows(const float* numbers, std::size_t rows, std::size_t columns, const double* out) {
  const std::size_t sizes[] = {rows, columns, sizeof(double)}, pairs[] = {rows, rows, sizeof(double)};
  if (rows == 0) return;
  element_count(sizes);
  element_count(pairs);
  if (columns == 0) throw StatusError(STRATOSCOPE_USAGE, "call", "the rows have no columns");
  check_pointer(numbers, "of the numbers");
  check_pointer(out, "out");
}

}  // namespace
}  // namespace stratoscope::c

using stratoscope::c::call;
using stratoscope::c::check_rows;

uint32_t stratoscope_abi(void) { return STRATOSCOPE_ABI; }

const char* stratoscope_version(void) { return STRATOSCOPE_VERSION; }

int stratoscope_log_softmax(const float* logits, size_t rows, size_t columns, double* out) {
  return call([&] {
    check_rows(logits, rows, columns, out);
    for (std::size_t row = 0; row < rows; ++row) {
      const auto values = stratoscope::log_softmax<float>(std::span(logits + row * columns, columns));
      std::copy(values.begin(), values.end(), out + row * columns);
    }
  });
}

int stratoscope_cosine(const float* vectors, size_t rows, size_t columns, double* out) {
  return call([&] {
    check_rows(vectors, rows, columns, out);
    const auto similarities = stratoscope::cosine_matrix<float>({vectors, rows, columns});
    for (const auto& row : similarities) out = std::copy(row.begin(), row.end(), out);
  });
}
