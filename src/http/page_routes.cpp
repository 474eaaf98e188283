#include "http/page_routes.h"

#include <algorithm>

#include "http/openai.h"
#include "http/page_files.h"
#include "http/request_rules.h"

namespace hilo::http {
namespace {

constexpr std::string_view folder = "/page/";
constexpr const char* security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const char* content_type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/json";
}

// Tags are long enough that none is a part of another.
bool is_known(const Request& request, std::string_view etag) {
  const auto known = request.header("If-None-Match");
  return known && (*known == "*" || known->find(etag) != std::string_view::npos);
}

Answer send_file(const Request& request, std::string_view name) {
  const auto file = std::ranges::find(page_files(), name, &PageFile::name);
  if (file == page_files().end()) return no_such_route(request);
  Response response{.content_type = content_type_of(name),
                    .headers = {{"ETag", std::string{file->etag}},
                                {"Cache-Control", "no-cache"},
                                {"Content-Security-Policy", security_policy},
                                {"X-Content-Type-Options", "nosniff"},
                                {"Referrer-Policy", "no-referrer"}}};
  if (is_known(request, file->etag))
    response.status = status_not_modified;
  else
    response.body = file->bytes;
  return response;
}

Answer live_page(const Request& request, const Context&) { return send_file(request, "live.html"); }

Answer documentation(const Request& request, const Context&) {
  return send_file(request, "docs.html");
}

Answer description(const Request& request, const Context&) {
  return send_file(request, "openapi.json");
}

Answer part(const Request& request, const Context&) {
  return send_file(request, request.path.substr(folder.size()));
}

}  // namespace

std::vector<Route> page_routes() {
  // A browser gets the page without a key; what the page asks for needs one.
  return {open_route("/", live_page), open_route("/docs", documentation),
          open_route("/openapi.json", description), open_route("/page/*", part)};
}

}  // namespace hilo::http
