// The extension module `_hilo`: libhilo for the Python in the package `hilo`, which is what
// programs use.
#include <hilo/hilo.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>

#include "client.h"
#include "dispatcher.h"
#include "status_error.h"
#include "tokenizer.h"

namespace hilo::python {
namespace nb = nanobind;

namespace {

// hilo/errors.py knows the class of each status.
void raise_in_python(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const StatusError& error) {
    const nb::object raised =
        nb::module_::import_("hilo.errors")
            .attr("error_of")(error.status(), error.what(), error.index(), error.retry_after_ms());
    PyErr_SetObject(raised.type().ptr(), raised.ptr());
  }
}

void define_enumerations(nb::module_& module) {
  nb::enum_<hilo_lane>(module, "Lane")
      .value("HIGH", HILO_HIGH)
      .value("LOW", HILO_LOW)
      .value("ANY", HILO_ANY);
  nb::enum_<hilo_status>(module, "Status")
      .value("FULL", HILO_FULL)
      .value("TEXT_TOO_LONG", HILO_TEXT_TOO_LONG)
      .value("INVALID_UTF8", HILO_INVALID_UTF8)
      .value("INVALID_ARGUMENT", HILO_INVALID_ARGUMENT)
      .value("LANE_DENIED", HILO_LANE_DENIED)
      .value("CANCELLED", HILO_CANCELLED)
      .value("EXPIRED", HILO_EXPIRED)
      .value("SHUTTING_DOWN", HILO_SHUTTING_DOWN)
      .value("REFUSED", HILO_REFUSED)
      .value("FAILED", HILO_FAILED)
      .value("ENGINE_GONE", HILO_ENGINE_GONE)
      .value("NOT_FOUND", HILO_NOT_FOUND)
      .value("TIMED_OUT", HILO_TIMED_OUT)
      .value("FORKED", HILO_FORKED)
      .value("NO_MEMORY", HILO_NO_MEMORY)
      .value("PROTOCOL", HILO_PROTOCOL)
      .value("TOO_MANY_TOKENS", HILO_TOO_MANY_TOKENS)
      .value("UNKNOWN_ID", HILO_UNKNOWN_ID);
  nb::enum_<hilo_input>(module, "Input")
      .value("TEXT", HILO_TEXT)
      .value("IDS", HILO_IDS)
      .value("PAIR", HILO_PAIR);
  nb::enum_<hilo_truncation>(module, "Truncation")
      .value("END", HILO_TRUNCATE_END)
      .value("START", HILO_TRUNCATE_START)
      .value("REFUSE", HILO_TRUNCATE_REFUSE);
}

}  // namespace

NB_MODULE(_hilo, module) {
  nb::register_exception_translator(raise_in_python);
  module.def("version", &hilo_version, "Version of libhilo.");
  module.attr("VIEWS_MAX") = views_max;
  module.attr("SMALL_CALL_TEXTS_MAX") = small_call_texts_max;
  define_enumerations(module);
  define_client(module);
  define_tokenizer(module);
}

}  // namespace hilo::python
