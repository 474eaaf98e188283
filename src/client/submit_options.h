// What hilo_submit_options say, checked as far as the client can.
#pragma once

#include <cstddef>
#include <optional>

#include <hilo/hilo.h>

#include "client/client.h"
#include "client/rings.h"

namespace hilo {

// HILO_INVALID_ARGUMENT, with its sentence, for what makes no sense or is not in this model.
// `tokens_from`, where there is one, goes before the one that is given.
hilo_status read_options(const hilo_client& client, const hilo_submit_options& given,
                         Rings::Order* order, std::optional<size_t> tokens_from = std::nullopt);

// The texts of one task, at `texts`. HILO_INVALID_ARGUMENT or HILO_TEXT_TOO_LONG.
hilo_status read_texts(Input input, const hilo_text* texts, Rings::Text* text);

constexpr size_t texts_in_task(Input input) { return input == Input::pair ? 2 : 1; }

}  // namespace hilo
