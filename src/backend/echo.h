// Backends without a model, to exercise and measure the path of a task. Tokens are the bytes of the
// text.
//   echo  the vector is a function of the bytes (echo_vector), so that a test can tell whose answer
//         it got; a token's is that of a text of this token alone
//   null  the vector is left as it is
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "backend/backend.h"

namespace hilo {

inline constexpr uint32_t echo_dims = 64;
inline constexpr uint32_t byte_vocabulary = 256;
inline constexpr uint32_t echo_tokens_max = 1024;  // longer texts are cut

std::unique_ptr<Backend> make_echo_backend();
std::unique_ptr<Backend> make_null_backend();

// The vector that the echo backend gives for these tokens: 64-bit FNV-1a over the ids, one id a
// step, seeds SplitMix64, whose outputs' upper 24 bits become floats in [-1, 1).
void echo_vector(std::span<const uint32_t> ids, std::span<float> vector);

}  // namespace hilo
