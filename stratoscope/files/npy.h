// NumPy's .npy format, in and out: a magic string, a header that is a Python dict, the numbers.
// Numbers of the types that DType has, read in either byte order and axis order; everything else is refused by name.
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

// Reads the header (versions 1.0, 2.0 and 3.0) of a whole .npy file and checks that as many numbers follow as it says.
// Throws Error, with `what` naming the file. Python objects, structures, complex numbers, text and dates are refused.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& what);

// The array of this header, whose numbers are put into row-major little-endian order.
StoredArray stored_array(NpyHeader header, std::vector<std::byte> numbers);

// Throws Error as above, and when the file cannot be read.
StoredArray read_npy(const std::filesystem::path& path);

// What precedes the numbers of such an array (version 1.0; the numbers begin at a multiple of 64 bytes). Throws Error
// for BF16, which NumPy does not have.
std::string npy_header(const PlannedArray& array);

// Atomic. The array's name is not stored. Throws Error.
void write_npy(const std::filesystem::path& path, const ArrayView& array);

}  // namespace stratoscope
