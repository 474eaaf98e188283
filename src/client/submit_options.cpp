#include "client/submit_options.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace hilo {
namespace {

// What callers had before tasks could be anything but texts.
constexpr size_t options_bytes_min = offsetof(hilo_submit_options, input);

static_assert(static_cast<uint32_t>(Input::text) == HILO_TEXT);
static_assert(static_cast<uint32_t>(Input::ids) == HILO_IDS);
static_assert(static_cast<uint32_t>(Input::pair) == HILO_PAIR);
static_assert(static_cast<uint32_t>(Truncation::end) == HILO_TRUNCATE_END);
static_assert(static_cast<uint32_t>(Truncation::start) == HILO_TRUNCATE_START);
static_assert(static_cast<uint32_t>(Truncation::refuse) == HILO_TRUNCATE_REFUSE);

hilo_status invalid(std::string_view sentence) { return fail(HILO_INVALID_ARGUMENT, sentence); }

hilo_status read_input(const hilo_client& client, const hilo_submit_options& options,
                       Rings::Order* order) {
  if (options.input > HILO_PAIR) return invalid("A task's input must be one of hilo_input.");
  if (options.truncation > HILO_TRUNCATE_REFUSE)
    return invalid("A task's truncation must be one of hilo_truncation.");
  if (options.raw > 1) return invalid("`raw` must be 0 or 1.");
  if (options.input == HILO_PAIR && !client.info.cross_encoder)
    return invalid("The model scores no pairs of texts: it is no cross-encoder.");
  if (options.input != HILO_TEXT && options.prompt_name != nullptr)
    return invalid("A prompt is put before a text, not before token ids or a pair.");
  order->input = static_cast<Input>(options.input);
  order->truncation = static_cast<Truncation>(options.truncation);
  order->raw = options.raw != 0;
  return HILO_OK;
}

hilo_status read_tokens_from(const hilo_client& client, const hilo_submit_options& options,
                             Rings::Order* order) {
  if (options.tokens_from == 0) return HILO_OK;
  if (!client.info.token_vectors || options.input == HILO_PAIR)
    return invalid("The engine has no vectors of tokens for this: it gives one for each task.");
  if (options.tokens_from > client.channel.tokens_max)
    return invalid("`tokens_from` is behind the last token that the model takes.");
  order->tokens_from = static_cast<uint32_t>(options.tokens_from);
  return HILO_OK;
}

hilo_status read_prompt(const hilo_client& client, const char* name, Rings::Order* order) {
  if (name == nullptr) return HILO_OK;
  const auto found = std::ranges::find(client.info.prompts, std::string_view{name});
  if (found == client.info.prompts.end())
    return invalid("The model has no prompt of that name; hilo_info() lists those it has.");
  order->prompt = static_cast<uint32_t>(found - client.info.prompts.begin()) + 1;
  return HILO_OK;
}

}  // namespace

hilo_status read_options(const hilo_client& client, const hilo_submit_options& given,
                         Rings::Order* order, std::optional<size_t> tokens_from) {
  if (given.struct_bytes < options_bytes_min)
    return invalid("hilo_submit_options.struct_bytes must be sizeof(hilo_submit_options).");
  hilo_submit_options options{};
  std::memcpy(&options, &given, std::min(given.struct_bytes, sizeof(options)));
  if (tokens_from) options.tokens_from = *tokens_from;
  if (options.lane != HILO_HIGH && options.lane != HILO_LOW)
    return invalid("A task's lane must be HILO_HIGH or HILO_LOW.");
  order->lane = static_cast<uint32_t>(options.lane);
  if (options.timeout_ms > 0)
    order->deadline_ns =
        static_cast<uint64_t>((monotonic_now() + options.timeout_ms * millisecond_ns).ns);
  if (hilo_status status = read_input(client, options, order); status != HILO_OK) return status;
  if (hilo_status status = read_tokens_from(client, options, order); status != HILO_OK)
    return status;
  return read_prompt(client, options.prompt_name, order);
}

hilo_status read_texts(Input input, const hilo_text* texts, Rings::Text* text) {
  for (size_t i = 0; i < texts_in_task(input); ++i) {
    // Once its order was lent to others, the analyzer takes an echo, of one text, for a pair.
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
    if (texts[i].data == nullptr && texts[i].bytes > 0)
      return fail(HILO_INVALID_ARGUMENT, "A text's data is NULL, but not its bytes.");
    if (texts[i].bytes > text_bytes_max) return fail(HILO_TEXT_TOO_LONG);
  }
  text->first = {texts[0].data, texts[0].bytes};
  if (input == Input::pair) text->second = {texts[1].data, texts[1].bytes};
  if (text->bytes() > text_bytes_max) return fail(HILO_TEXT_TOO_LONG);
  if (input == Input::ids && (text->first.empty() || text->first.size() % sizeof(uint32_t) != 0))
    return invalid("Token ids must be at least one, of 4 bytes each.");
  return HILO_OK;
}

}  // namespace hilo
