// The class Tokenizer of the module `_hilo`.
#pragma once

#include <nanobind/nanobind.h>

namespace hilo::python {

void define_tokenizer(nanobind::module_& module);

}  // namespace hilo::python
