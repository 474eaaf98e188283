// MPNet's buckets of distances: tokens that are about equally far apart share what is learned about
// them.
#pragma once

#include <cstdint>

namespace hilo {

inline constexpr uint32_t relative_buckets = 32;

// Half of the buckets is for keys at or before the query, half for keys behind it. Up to 7 tokens
// each distance has a bucket of its own; from there on each bucket ends at about the square root of
// two times the distance of the one before, and the last takes everything from 91 tokens on.
uint32_t relative_bucket(int32_t key_minus_query);

}  // namespace hilo
