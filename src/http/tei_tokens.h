// TEI's routes of the tokenizer. They need no engine.
#pragma once

#include "http/exchange.h"

namespace hilo::http {

// A token takes some 60 bytes of a response, so a body could ask for 30 times its size.
inline constexpr size_t tokenize_bytes_max = 1024 * 1024;
inline constexpr size_t decode_ids_max = 256 * 1024;
// Finding where tokens stand takes long: some 100 us for so many bytes.
inline constexpr size_t tokenize_bytes_at_once = 2 * 1024;

Answer tei_tokenize(const Request& request, const Context& context);
Answer tei_decode(const Request& request, const Context& context);

}  // namespace hilo::http
