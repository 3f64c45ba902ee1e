// The non-linear function between the two products of an MLP.
#pragma once

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

enum class Activation {
  gelu_new,  // x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3): equals GELU's tanh form (Hendrycks, Gimpel 2016)
  gelu,      // x Phi(x), Phi the normal distribution function
  relu,
  relu2,       // the square of relu
  silu,        // x sigmoid(x), also called swish
  quick_gelu,  // x sigmoid(1.702 x)
};

// In place.
void activate(Activation activation, MatrixView<float> values);

// out = activation(gate) * linear, all of [rows, cols]; the activation has the same bits as `activate`. out may be gate
// or linear.
void activate_and_multiply(Activation activation, MatrixView<const float> gate, MatrixView<const float> linear,
                           MatrixView<float> out);

}  // namespace stratoscope
