#include "http/model_name.h"

#include <fmt/format.h>

namespace hilo::http {
namespace {

std::string_view without_organisation(std::string_view name) {
  return name.substr(name.rfind('/') + 1);  // npos + 1 is 0
}

constexpr size_t name_bytes_told = 200;

}  // namespace

bool is_served(std::string_view name, const Context& context) {
  return context.any_model || name == context.about->model ||
         without_organisation(name) == without_organisation(context.about->model);
}

Problem no_such_model(std::string_view name, const Context& context) {
  return {.kind = ProblemKind::no_such_model,
          .message = fmt::format("The model '{}' does not exist here; '{}' is served.",
                                 name.substr(0, name_bytes_told), context.about->model),
          .field = "model"};
}

}  // namespace hilo::http
