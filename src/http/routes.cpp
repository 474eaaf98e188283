#include "http/routes.h"

#include "http/health.h"
#include "http/metrics_page.h"
#include "http/openai.h"
#include "http/page_routes.h"
#include "http/rerank.h"
#include "http/status_page.h"
#include "http/tei.h"

namespace hilo::http {

std::vector<Route> all_routes() {
  std::vector<Route> all;
  for (const auto& family : {openai_routes(), rerank_routes(), tei_routes(), health_routes(),
                             status_routes(), metrics_routes(), page_routes()})
    all.insert(all.end(), family.begin(), family.end());
  return all;
}

}  // namespace hilo::http
