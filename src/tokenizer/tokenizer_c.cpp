// The C functions hilo_tokenizer_*: arguments checked, exceptions stopped, errors told.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <hilo/hilo.h>

#include "base/last_error.h"
#include "tokenizer/tokenizer.h"

struct hilo_tokenizer {
  const hilo::Tokenizer& get() const { return own ? *own : hilo::Tokenizer::bert_base_uncased(); }
  std::optional<hilo::Tokenizer> own;  // none: the built-in one
  hilo::TokenizerScratch scratch;
  std::vector<uint32_t> ids;
};

namespace {

hilo_status fail(hilo_status status, std::string_view sentence) {
  hilo::set_last_error(sentence);
  return status;
}

// Runs the body of a C function; no exception leaves it.
template <class Body>
hilo_status guarded(const Body& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(HILO_NO_MEMORY, "there is no memory left for the tokenizer");
  } catch (const std::exception& exception) {
    return fail(HILO_FAILED, exception.what());
  }
}

hilo_status open(const char* model_directory, hilo_tokenizer** tokenizer) {
  auto made = std::make_unique<hilo_tokenizer>();
  if (model_directory != nullptr) {
    std::error_code error;
    if (!std::filesystem::is_directory(model_directory, error)) {
      return fail(HILO_NOT_FOUND, fmt::format("{} is not a directory: give that of a Hugging Face "
                                              "model",
                                              model_directory));
    }
    hilo::Result<hilo::Tokenizer> own = hilo::Tokenizer::from_directory(model_directory);
    if (!own) return fail(HILO_INVALID_ARGUMENT, own.error().message);
    made->own = std::move(own).value();
  }
  *tokenizer = made.release();
  return HILO_OK;
}

struct Request {
  std::string_view text;
  std::optional<std::string_view> second;
  hilo::EncodeOptions options;
};

hilo_status encode(hilo_tokenizer& tokenizer, const Request& request, std::span<uint32_t> room,
                   size_t* count) {
  const hilo::Tokenizer& rules = tokenizer.get();
  const uint32_t special = rules.special_tokens_added(request.second.has_value());
  const uint32_t tokens_max = request.options.tokens_max;
  if (tokens_max != 0 && request.options.add_special_tokens && tokens_max < special) {
    return fail(HILO_INVALID_ARGUMENT,
                fmt::format("tokens_max is {}, but {} special tokens are added to a text: allow "
                            "more, or add none",
                            tokens_max, special));
  }
  const std::string_view second = request.second.value_or(std::string_view{});
  // No byte makes more than one token.
  tokenizer.ids.resize(request.text.size() + second.size() + special);
  const hilo::Encoding encoding =
      request.second
          ? rules.encode_pair(request.text, second, request.options, tokenizer.scratch,
                              tokenizer.ids)
          : rules.encode(request.text, request.options, tokenizer.scratch, tokenizer.ids);
  *count = encoding.tokens;
  if (encoding.tokens > room.size()) {
    return fail(HILO_FULL,
                fmt::format("there are {} ids, but room for {}", encoding.tokens, room.size()));
  }
  std::copy_n(tokenizer.ids.begin(), encoding.tokens, room.begin());
  return HILO_OK;
}

}  // namespace

hilo_status hilo_tokenizer_open(const char* model_directory, hilo_tokenizer** tokenizer) {
  if (tokenizer == nullptr) return fail(HILO_INVALID_ARGUMENT, "tokenizer is NULL");
  *tokenizer = nullptr;
  return guarded([&] { return open(model_directory, tokenizer); });
}

void hilo_tokenizer_close(hilo_tokenizer* tokenizer) {
  const std::unique_ptr<hilo_tokenizer> owner(tokenizer);
}

// NOLINTNEXTLINE(readability-function-size): plain arguments are what a C caller can pass anywhere.
hilo_status hilo_tokenizer_encode(hilo_tokenizer* tokenizer, const char* text, size_t bytes,
                                  const char* second, size_t second_bytes, uint32_t tokens_max,
                                  int add_special_tokens, uint32_t* ids, size_t room,
                                  size_t* count) {
  if (tokenizer == nullptr || count == nullptr || (text == nullptr && bytes > 0) ||
      (ids == nullptr && room > 0)) {
    return fail(HILO_INVALID_ARGUMENT, "tokenizer, text, ids or count is NULL");
  }
  *count = 0;
  Request request{
      .text = {text, bytes},
      .second = std::nullopt,
      .options = {.tokens_max = tokens_max, .add_special_tokens = add_special_tokens != 0}};
  if (second != nullptr) request.second = std::string_view(second, second_bytes);
  return guarded([&] { return encode(*tokenizer, request, {ids, room}, count); });
}

const char* hilo_tokenizer_piece(const hilo_tokenizer* tokenizer, uint32_t id) {
  if (tokenizer == nullptr) return nullptr;
  const std::string_view piece = tokenizer->get().piece(id);
  return piece.empty() ? nullptr : piece.data();
}

uint32_t hilo_tokenizer_size(const hilo_tokenizer* tokenizer) {
  return tokenizer == nullptr ? 0 : tokenizer->get().vocabulary_size();
}
