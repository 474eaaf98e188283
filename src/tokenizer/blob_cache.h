// Compiled vocabularies of earlier runs, in the user's cache directory, so that a tokenizer.json of
// megabytes is compiled once: $XDG_CACHE_HOME/hilo, else ~/.cache/hilo. It is a convenience only:
// what cannot be read or written is passed over, and what was read is checked like any blob.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tokenizer/vocabulary.h"

namespace hilo {

// Smaller sources are compiled in a moment and leave no file behind.
inline constexpr size_t cached_source_bytes_min = 1U << 20;

std::optional<Blob> load_cached_blob(std::string_view source);
void store_cached_blob(std::string_view source, const Blob& blob);

}  // namespace hilo
