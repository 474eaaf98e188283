#include "text.h"

#include <string>

#include <nanobind/ndarray.h>

#include "status_error.h"

namespace hilo::python {
namespace nb = nanobind;

hilo_text text_of(nb::handle object, std::optional<size_t> index) {
  const std::string name = index ? "text " + std::to_string(*index) : "the text";
  if (!PyUnicode_Check(object.ptr())) {
    const nb::str type = nb::borrow<nb::str>(object.type().attr("__name__"));
    throw nb::type_error((name + " is of type " + type.c_str() + ", and should be str").c_str());
  }
  Py_ssize_t bytes = 0;
  const char* const data = PyUnicode_AsUTF8AndSize(object.ptr(), &bytes);
  if (data == nullptr) {
    if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError) == 0) throw nb::python_error();
    PyErr_Clear();
    throw StatusError{HILO_INVALID_UTF8,
                      name +
                          " holds a lone surrogate (half of a UTF-16 pair), which is no character: "
                          "decode it with errors=\"replace\"",
                      index};
  }
  return {data, static_cast<size_t>(bytes)};
}

hilo_text ids_of(nb::handle object) {
  using Ids = nb::ndarray<const uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
  const auto ids = nb::cast<Ids>(object);
  return {reinterpret_cast<const char*>(ids.data()), ids.nbytes()};
}

}  // namespace hilo::python
