// Reading what a request wants computed: texts, token ids, pairs. Each problem names the place.
#pragma once

#include "http/json_body.h"

namespace hilo::http {

// A text, texts, token ids, or lists of token ids.
Outcome<Work> read_inputs(const JsonField& field, const Limits& limits);

// One text.
Outcome<std::string_view> read_text(const JsonField& field);
// A list of texts, added to `texts`.
Outcome<void> read_texts(const JsonField& field, const Limits& limits, TextList& texts);
// A text, and a list of those to be scored against it, of which some may be objects with a field
// `text`: the first text of the work, and the others.
Outcome<Work> read_ranking(const JsonField& query, const JsonField& documents,
                           const Limits& limits);

// A text, a pair of texts, or a list of either only `[text]` or only `[text, text]`.
struct Sequences {
  Work work;
  bool is_list = false;
};
Outcome<Sequences> read_sequences(const JsonField& field, const Limits& limits);

// Token ids, or a list of lists of them, at most so many in all.
Outcome<TokenLists> read_token_lists(const JsonField& field, const Limits& limits, size_t ids_max);

}  // namespace hilo::http
