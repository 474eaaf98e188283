// Python's str as the UTF-8 that the C interface takes, and arrays as token ids.
#pragma once

#include <cstddef>
#include <optional>

#include <hilo/hilo.h>
#include <nanobind/nanobind.h>

namespace hilo::python {

// The UTF-8 of a str, which lives as long as the str. TypeError if it is none; StatusError if it
// holds a lone surrogate, which has no UTF-8. Both name `index` if there is one.
hilo_text text_of(nanobind::handle object, std::optional<size_t> index = {});

// The bytes of an array of uint32, which live as long as the array. TypeError if it is none.
hilo_text ids_of(nanobind::handle object);

}  // namespace hilo::python
