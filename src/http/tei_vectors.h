// TEI's routes that embed.
#pragma once

#include "http/exchange.h"

namespace hilo::http {

Answer tei_embed(const Request& request, const Context& context);
// Cosines of one text with others.
Answer tei_similarity(const Request& request, const Context& context);
// The vectors of all tokens of each text, as the last layer gives them.
Answer tei_embed_all(const Request& request, const Context& context);
// Sparse vectors: nobody here can compute them.
Answer tei_embed_sparse(const Request& request, const Context& context);
// What TEI does at / and /invocations: whatever the model is for.
Answer tei_default(const Request& request, const Context& context);

}  // namespace hilo::http
