// Reads and writes NumPy's .npy format: a magic string, a header that is a Python dict, the numbers. Numbers of the
// types of DType are read in either byte order and axis order; other types are errors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/files/array.h"

namespace stratoscope {

// The numbers begin at byte data_begin of the file, after the header, and end where the file ends.
struct NpyHeader {
  DType dtype = DType::f32;
  bool big_endian = false;
  bool column_major = false;  // NumPy's fortran_order: the first axis varies fastest
  Shape shape;
  std::size_t data_begin = 0;
};

// Reads the header (versions 1.0, 2.0 and 3.0) of a whole .npy file and checks the number of bytes after it. Throws
// Error with `what`, the file's name. Python objects, structures, complex numbers, text and dates are errors.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& what);

// The array of this header, with its numbers in row-major little-endian order.
StoredArray stored_array(NpyHeader header, std::vector<std::byte> numbers);

// Throws Error as above, and if the file cannot be read.
StoredArray read_npy(const std::filesystem::path& path);

// The bytes before the numbers (version 1.0; the numbers begin at a multiple of 64 bytes). Throws Error for BF16, which
// NumPy does not have.
std::string npy_header(const PlannedArray& array);

// Atomic. The array's name is not stored. Throws Error.
void write_npy(const std::filesystem::path& path, const ArrayView& array);

}  // namespace stratoscope
