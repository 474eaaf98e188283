// TEI's routes that score, with a cross-encoder.
#pragma once

#include "http/exchange.h"

namespace hilo::http {

Answer tei_rerank(const Request& request, const Context& context);
Answer tei_predict(const Request& request, const Context& context);

}  // namespace hilo::http
