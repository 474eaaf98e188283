// The classes Client and Call of the module `_hilo`: a Dispatcher as Python sees it.
#pragma once

#include <nanobind/nanobind.h>

namespace hilo::python {

void define_client(nanobind::module_& module);

}  // namespace hilo::python
