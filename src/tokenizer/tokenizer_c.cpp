// The C functions hilo_tokenizer_*: arguments checked, exceptions stopped, errors told.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
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
  std::vector<uint8_t> types;
  std::vector<hilo::TokenOffsets> offsets;
  std::string decoded;
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

// What the caller asked for, checked.
struct Request {
  std::string_view text;
  std::optional<std::string_view> second;
  hilo::EncodeOptions options;
};

Request request_of(std::string_view text, const hilo_encode_options* options) {
  Request request{.text = text, .second = std::nullopt, .options = {}};
  if (options == nullptr) return request;
  if (options->second != nullptr) request.second = {options->second, options->second_bytes};
  request.options = {.tokens_max = options->tokens_max,
                     .add_special_tokens = options->leave_out_special_tokens == 0,
                     .truncate_left = options->truncate_left != 0,
                     .match_special_tokens = options->read_special_tokens_as_text == 0,
                     .offset_unit = options->offset_unit == HILO_CHARACTERS
                                        ? hilo::OffsetUnit::characters
                                        : hilo::OffsetUnit::bytes};
  return request;
}

hilo_status check(const Request& request, uint32_t special) {
  const uint32_t tokens_max = request.options.tokens_max;
  if (tokens_max == 0 || !request.options.add_special_tokens || tokens_max >= special) {
    return HILO_OK;
  }
  return fail(
      HILO_INVALID_ARGUMENT,
      fmt::format("tokens_max is {}, but {} special tokens are added to a text: allow more, "
                  "or add none",
                  tokens_max, special));
}

hilo_status encode(hilo_tokenizer& tokenizer, const Request& request, hilo_tokens& tokens) {
  const hilo::Tokenizer& rules = tokenizer.get();
  const uint32_t special = rules.special_tokens_added(request.second.has_value());
  if (const hilo_status status = check(request, special); status != HILO_OK) return status;
  const std::string_view second = request.second.value_or(std::string_view{});
  const auto encode_into = [&](size_t room) {
    tokenizer.ids.resize(room);
    tokenizer.types.resize(tokens.types == nullptr ? 0 : room);
    tokenizer.offsets.resize(tokens.offsets == nullptr ? 0 : room);
    if (!request.second) {
      return rules.encode(request.text, request.options, tokenizer.scratch, tokenizer.ids,
                          tokenizer.types, tokenizer.offsets);
    }
    return rules.encode_pair({request.text, second}, request.options, tokenizer.scratch,
                             tokenizer.ids, tokenizer.types, tokenizer.offsets);
  };
  const hilo::Encoding encoding = hilo::encode_all(request.text.size() + second.size() + special,
                                                   request.options.tokens_max, encode_into);
  tokens.count = encoding.tokens;
  tokens.truncated = encoding.truncated ? 1 : 0;
  if (encoding.tokens > tokens.room) {
    return fail(HILO_FULL,
                fmt::format("there are {} ids, but room for {}", encoding.tokens, tokens.room));
  }
  if (tokens.ids != nullptr) std::copy_n(tokenizer.ids.begin(), tokens.count, tokens.ids);
  if (tokens.types != nullptr) std::copy_n(tokenizer.types.begin(), tokens.count, tokens.types);
  if (tokens.offsets != nullptr) {
    std::transform(tokenizer.offsets.begin(),
                   tokenizer.offsets.begin() + static_cast<ptrdiff_t>(tokens.count), tokens.offsets,
                   [](hilo::TokenOffsets token) {
                     return hilo_offsets{token.begin, token.end};
                   });
  }
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

hilo_status hilo_tokenizer_encode(hilo_tokenizer* tokenizer, const char* text, size_t bytes,
                                  const hilo_encode_options* options, hilo_tokens* tokens) {
  if (tokenizer == nullptr || tokens == nullptr || (text == nullptr && bytes > 0)) {
    return fail(HILO_INVALID_ARGUMENT, "tokenizer, text or tokens is NULL");
  }
  if (tokens->struct_bytes != sizeof(hilo_tokens) ||
      (options != nullptr && options->struct_bytes != sizeof(hilo_encode_options))) {
    return fail(HILO_INVALID_ARGUMENT, "struct_bytes is not the size of the struct");
  }
  tokens->count = 0;
  tokens->truncated = 0;
  return guarded([&] { return encode(*tokenizer, request_of({text, bytes}, options), *tokens); });
}

hilo_status hilo_tokenizer_decode(hilo_tokenizer* tokenizer, const uint32_t* ids, size_t count,
                                  int leave_out_special_tokens, const char** text) {
  if (tokenizer == nullptr || text == nullptr || (ids == nullptr && count > 0)) {
    return fail(HILO_INVALID_ARGUMENT, "tokenizer, ids or text is NULL");
  }
  *text = nullptr;
  return guarded([&] {
    tokenizer->decoded = tokenizer->get().decode({ids, count}, leave_out_special_tokens != 0);
    *text = tokenizer->decoded.c_str();
    return HILO_OK;
  });
}

const char* hilo_tokenizer_piece(const hilo_tokenizer* tokenizer, uint32_t id) {
  if (tokenizer == nullptr) return nullptr;
  const std::string_view piece = tokenizer->get().piece(id);
  return piece.empty() ? nullptr : piece.data();
}

uint32_t hilo_tokenizer_size(const hilo_tokenizer* tokenizer) {
  return tokenizer == nullptr ? 0 : tokenizer->get().vocabulary_size();
}
