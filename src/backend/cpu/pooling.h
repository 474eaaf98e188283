// From a text's rows to its vector.
#pragma once

#include <cstddef>

#include "backend/cpu/activations.h"
#include "model/model.h"

namespace hilo {

// Mean of `count` rows of floats, or the first one for cls, or the last.
void pool(Pooling pooling, const Matrix& rows, size_t count, size_t columns, float* vector);

// Scales the vector to length 1; a zero vector stays.
void scale_to_unit_length(float* vector, size_t columns);

}  // namespace hilo
