// A connection's bytes, encrypted. open() agrees on the keys.
#pragma once

#include <memory>

#include "http/stream.h"
#include "http/tls_context.h"

namespace hilo::http {

std::unique_ptr<Stream> make_tls_stream(UniqueFd socket, const Executor& executor,
                                        const TlsContext& context);

}  // namespace hilo::http
