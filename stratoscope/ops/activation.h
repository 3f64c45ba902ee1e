// The non-linearity between the two products of an MLP.
#pragma once

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

enum class Activation {
  gelu_new,  // x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3): equals GELU's tanh form (Hendrycks, Gimpel 2016)
  gelu,      // x Phi(x), Phi the normal distribution function
  relu,
};

// In place.
void activate(Activation activation, MatrixView<float> values);

}  // namespace stratoscope
