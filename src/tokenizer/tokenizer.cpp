#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/ensure.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/aligned_text.h"
#include "tokenizer/aligned_words.h"
#include "tokenizer/bert_base_uncased.h"
#include "tokenizer/blob_cache.h"
#include "tokenizer/decoder.h"
#include "tokenizer/description.h"
#include "tokenizer/subwords.h"
#include "tokenizer/token_buffer.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_encoder.h"

namespace hilo {

struct TokenizerScratch::Buffers {
  WordScratch words;
  AlignedText aligned_word;  // where offsets are wanted
  // Only for tokenizers that look for tokens in normalized text.
  NormalizedText text;
  AlignedText aligned_text;
  SubwordScratch subwords{words.caches};  // of the families that are no WordPiece
  TokenBuffer first;
  TokenBuffer second;
};

TokenizerScratch::TokenizerScratch() : buffers_(std::make_unique<Buffers>()) {}
TokenizerScratch::~TokenizerScratch() = default;
TokenizerScratch::TokenizerScratch(TokenizerScratch&&) noexcept = default;
TokenizerScratch& TokenizerScratch::operator=(TokenizerScratch&&) noexcept = default;

struct Tokenizer::State {
  State(std::optional<Blob> owned_blob, const Vocabulary& opened)
      : blob(std::move(owned_blob)),
        vocabulary(opened),
        words(vocabulary, vocabulary.normalizer_options()),
        normalized_words(vocabulary, {}),
        decoder(vocabulary.decoder_steps()),
        raw_added(vocabulary, TrieRole::added_raw),
        normalized_added(vocabulary, TrieRole::added_normalized) {}

  std::optional<Blob> blob;  // none: the bytes belong to someone else
  Vocabulary vocabulary;
  WordEncoder words;
  WordEncoder normalized_words;      // of text that was normalized before
  std::optional<Subwords> subwords;  // none: a WordPiece
  std::vector<DecoderStep> decoder;
  AddedTokenSet raw_added;
  AddedTokenSet normalized_added;
};

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

namespace {

constexpr size_t no_limit = std::numeric_limits<size_t>::max();

// How many ids of each text stay.
struct Share {
  size_t first;
  size_t second;
};

// Longest first: the shorter text stays whole as long as it fits into half.
Share longest_first(size_t first, size_t second, size_t budget) {
  if (first + second <= budget) return {first, second};
  const size_t shorter = std::min(first, second);
  const size_t longer_half = budget - budget / 2;
  Share share{shorter, std::max(shorter, budget - std::min(shorter, budget))};
  if (share.first + share.second > budget) share = {budget / 2, longer_half};
  if (first > second) std::swap(share.first, share.second);
  return share;
}

// A text's tokens, of which some stay.
struct KeptTokens {
  std::string_view text;
  std::span<const uint32_t> ids;
  std::span<TokenOffsets> offsets;  // none, or one for each id
  std::span<const TokenSpaces> spaces;
};

KeptTokens cut(std::string_view text, TokenBuffer& tokens, size_t count, bool from_left) {
  const auto of = [&](auto all) { return from_left ? all.last(count) : all.first(count); };
  if (!tokens.wants_offsets()) return {text, of(tokens.ids()), {}, {}};
  return {text, of(tokens.ids()), of(tokens.offsets()), of(tokens.spaces())};
}

// Where the ids go, with what belongs to them if anyone asked.
class Output {
 public:
  Output(std::span<uint32_t> ids, std::span<uint8_t> types, std::span<TokenOffsets> offsets,
         OffsetTrimming trimming)
      : ids_(ids), types_(types), offsets_(offsets), trimming_(trimming) {
    ENSURE(types.empty() || types.size() == ids.size());
    ENSURE(offsets.empty() || offsets.size() == ids.size());
  }

  void append_text(const KeptTokens& tokens, uint32_t type, OffsetUnit unit) {
    if (!offsets_.empty()) {
      if (unit == OffsetUnit::characters) count_in_characters(tokens.text, tokens.offsets);
      if (trimming_.trims) {
        trim_offsets(tokens.text, unit, trimming_, tokens.spaces, tokens.offsets);
      }
      std::ranges::copy(tokens.offsets, offsets_.begin() + static_cast<ptrdiff_t>(count_));
    }
    append(tokens.ids, type);
  }
  void append_special(uint32_t id, uint32_t type) {
    if (!offsets_.empty()) offsets_[count_] = {};
    append(std::span(&id, 1), type);
  }
  uint32_t count() const { return static_cast<uint32_t>(count_); }

 private:
  void append(std::span<const uint32_t> ids, uint32_t type) {
    ENSURE(ids_.size() - count_ >= ids.size());
    std::copy(ids.begin(), ids.end(), ids_.begin() + static_cast<ptrdiff_t>(count_));
    if (!types_.empty()) {
      std::fill_n(types_.begin() + static_cast<ptrdiff_t>(count_), ids.size(),
                  static_cast<uint8_t>(type));
    }
    count_ += ids.size();
  }

  std::span<uint32_t> ids_;
  std::span<uint8_t> types_;
  std::span<TokenOffsets> offsets_;
  OffsetTrimming trimming_;
  size_t count_ = 0;
};

void write(std::span<const TemplateItem> items, const EncodeOptions& options,
           const KeptTokens& first, const KeptTokens& second, Output& output) {
  for (const TemplateItem& item : items) {
    if (item.id == TemplateItem::first_text) {
      output.append_text(first, item.type, options.offset_unit);
    } else if (item.id == TemplateItem::second_text) {
      output.append_text(second, item.type, options.offset_unit);
    } else if (options.add_special_tokens) {
      output.append_special(item.id, item.type);
    }
  }
}

// Pushes the added tokens of `text`, of which `place_of` says where they stand, and hands what lies
// between them to `append_plain`, with where it begins.
template <class PlaceOf, class AppendPlain>
void between_added(AddedTokenSearch search, std::string_view text, const PlaceOf& place_of,
                   TokenBuffer& tokens, const AppendPlain& append_plain) {
  size_t plain_from = 0;
  while (const std::optional<AddedTokenMatch> match = search.next()) {
    if (plain_from < match->begin) {
      append_plain(text.substr(plain_from, match->begin - plain_from), plain_from);
    }
    if (tokens.is_over()) return;
    const size_t bytes = match->end - match->begin;
    if (tokens.wants_offsets()) {
      tokens.push(match->id, place_of(match->begin, bytes),
                  spaces_of(text.substr(match->begin, bytes)));
    } else {
      tokens.push(match->id);
    }
    plain_from = match->end;
  }
  append_plain(text.substr(plain_from), plain_from);
}

// Ids that are left for the texts themselves.
size_t budget_of(const EncodeOptions& options, size_t room, size_t special_tokens) {
  const size_t limit = options.tokens_max == 0 ? room : std::min<size_t>(options.tokens_max, room);
  const size_t added = options.add_special_tokens ? special_tokens : 0;
  ENSURE(limit >= added);
  return limit - added;
}

}  // namespace

Result<Tokenizer> Tokenizer::from_description(const TokenizerDescription& description) {
  Result<Blob> blob = compile_vocabulary(description);
  if (!blob) return blob.error();
  return from_blob(std::move(blob).value());
}

Result<Tokenizer> Tokenizer::from_blob(Blob blob) {
  // Moving the blob moves its owner, not its bytes.
  const std::span<const std::byte> bytes = std::as_const(blob).bytes();
  return open(bytes, std::move(blob));
}

Result<Tokenizer> Tokenizer::from_compiled(std::span<const std::byte> blob) {
  return open(blob, std::nullopt);
}

Result<Tokenizer> Tokenizer::open(std::span<const std::byte> bytes, std::optional<Blob> owned) {
  const Result<Vocabulary> vocabulary = Vocabulary::open(bytes);
  if (!vocabulary) return vocabulary.error();
  auto state = std::make_unique<State>(std::move(owned), vocabulary.value());
  if (vocabulary->family() != TokenizerFamily::word_piece) {
    // Of the state's vocabulary, which does not move any more.
    Result<Subwords> subwords = Subwords::open(state->vocabulary);
    if (!subwords) return subwords.error();
    state->subwords.emplace(std::move(subwords).value());
  }
  return Tokenizer(std::move(state));
}

Result<Tokenizer> Tokenizer::from_json(const std::filesystem::path& path) {
  const Result<std::string> text = read_text_file(path);
  if (!text) return text.error();
  if (std::optional<Blob> cached = load_cached_blob(*text)) {
    Result<Tokenizer> tokenizer = from_blob(std::move(*cached));
    if (tokenizer) return tokenizer;
  }
  const Result<TokenizerDescription> description = describe_tokenizer_json(*text, path.string());
  if (!description) return description.error();
  Result<Blob> blob = compile_vocabulary(*description);
  if (!blob) return blob.error();
  store_cached_blob(*text, *blob);
  return from_blob(std::move(blob).value());
}

Result<Tokenizer> Tokenizer::from_directory(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::path json = directory / "tokenizer.json";
  if (std::filesystem::exists(json, error)) {
    Result<Tokenizer> tokenizer = from_json(json);
    // Those of reading have the name of the file, those of compiling do not.
    if (tokenizer || tokenizer.error().message.starts_with(json.string())) return tokenizer;
    return Error{directory.string() + ": " + tokenizer.error().message};
  }
  const Result<TokenizerDescription> description = describe_directory(directory);
  if (!description) return description.error();
  Result<Tokenizer> tokenizer = from_description(description.value());
  if (!tokenizer) return Error{directory.string() + ": " + tokenizer.error().message};
  return tokenizer;
}

const Tokenizer& Tokenizer::bert_base_uncased() {
  static const Tokenizer tokenizer = from_compiled(bert_base_uncased_blob()).value();
  return tokenizer;
}

void Tokenizer::append_plain(std::string_view text, size_t begin, bool match_special,
                             TokenizerScratch::Buffers& buffers, TokenBuffer& tokens) const {
  if (tokens.wants_offsets()) {
    return append_plain_with_offsets(text, begin, match_special, buffers, tokens);
  }
  const State& state = *state_;
  if (state.normalized_added.empty()) return state.words.append(text, buffers.words, tokens);
  buffers.text.reserve_for(text.size());
  state.words.normalizer().normalize(text, buffers.text);
  const std::string_view normalized = buffers.text.view();
  between_added({state.vocabulary, state.normalized_added, normalized, match_special}, normalized,
                offsets_of, tokens, [&](std::string_view part, size_t) {
                  state.normalized_words.append(part, buffers.words, tokens);
                });
}

void Tokenizer::append_plain_with_offsets(std::string_view text, size_t begin, bool match_special,
                                          TokenizerScratch::Buffers& buffers,
                                          TokenBuffer& tokens) const {
  const State& state = *state_;
  if (state.normalized_added.empty()) {
    return append_aligned_words(state.vocabulary, state.words.normalizer(), text, begin,
                                buffers.aligned_word, tokens);
  }
  buffers.aligned_text.clear();
  buffers.aligned_text.append_normalized(state.words.normalizer(), text, begin);
  const std::string_view normalized = buffers.aligned_text.view();
  const size_t before = tokens.ids().size();
  between_added({state.vocabulary, state.normalized_added, normalized, match_special}, normalized,
                offsets_of, tokens, [&](std::string_view part, size_t part_begin) {
                  append_aligned_words(state.vocabulary, state.normalized_words.normalizer(), part,
                                       part_begin, buffers.aligned_word, tokens);
                });
  for (TokenOffsets& token : tokens.offsets().subspan(before)) {
    token = buffers.aligned_text.source_of(token);
  }
}

void Tokenizer::tokenize_subwords(std::string_view text, bool match_special,
                                  TokenizerScratch::Buffers& buffers, TokenBuffer& tokens) const {
  const State& state = *state_;
  SubwordScratch& scratch = buffers.subwords;
  const bool with_sources = tokens.wants_offsets() || state.subwords->needs_sources();
  const AlignedView valid = to_valid_utf8(text, with_sources, scratch.valid);
  const auto append_normalized = [&](std::string_view raw, size_t begin) {
    const AlignedView normalized =
        state.subwords->normalizer().normalize(valid.part(begin, raw.size()), scratch.normalizer);
    between_added(
        {state.vocabulary, state.normalized_added, normalized.text, match_special}, normalized.text,
        [&](size_t at, size_t bytes) { return normalized.source_of(at, bytes); }, tokens,
        [&](std::string_view part, size_t at) {
          state.subwords->append(normalized.part(at, part.size()), scratch, tokens);
        });
  };
  between_added(
      {state.vocabulary, state.raw_added, valid.text, match_special}, valid.text,
      [&](size_t at, size_t bytes) { return valid.source_of(at, bytes); }, tokens,
      append_normalized);
}

void Tokenizer::tokenize(std::string_view text, bool match_special,
                         TokenizerScratch::Buffers& buffers, TokenBuffer& tokens) const {
  if (state_->subwords) return tokenize_subwords(text, match_special, buffers, tokens);
  between_added({state_->vocabulary, state_->raw_added, text, match_special}, text, offsets_of,
                tokens, [&](std::string_view part, size_t begin) {
                  append_plain(part, begin, match_special, buffers, tokens);
                });
}

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options,
                           TokenizerScratch& scratch, std::span<uint32_t> ids,
                           std::span<uint8_t> types, std::span<TokenOffsets> offsets) const {
  Output output(ids, types, offsets, state_->vocabulary.offset_trimming());
  TokenBuffer& tokens = scratch.buffers().first;
  const size_t budget = budget_of(options, ids.size(), special_tokens_added(false));
  tokens.start(options.truncate_left ? no_limit : budget, !offsets.empty());
  tokenize(text, options.match_special_tokens, scratch.buffers(), tokens);

  const size_t count = tokens.ids().size();
  const size_t kept = std::min(count, budget);
  write(state_->vocabulary.single_template(), options,
        cut(text, tokens, kept, options.truncate_left), {}, output);
  return {output.count(), kept < count};
}

Encoding Tokenizer::encode_pair(TextPair texts, const EncodeOptions& options,
                                TokenizerScratch& scratch, std::span<uint32_t> ids,
                                std::span<uint8_t> types, std::span<TokenOffsets> offsets) const {
  Output output(ids, types, offsets, state_->vocabulary.offset_trimming());
  TokenizerScratch::Buffers& buffers = scratch.buffers();
  const size_t budget = budget_of(options, ids.size(), special_tokens_added(true));
  // Both are counted to their ends: which one is longer decides who gets the odd token.
  buffers.first.start(no_limit, !offsets.empty());
  tokenize(texts.first, options.match_special_tokens, buffers, buffers.first);
  buffers.second.start(no_limit, !offsets.empty());
  tokenize(texts.second, options.match_special_tokens, buffers, buffers.second);

  const size_t first_count = buffers.first.ids().size();
  const size_t second_count = buffers.second.ids().size();
  const Share share = longest_first(first_count, second_count, budget);
  write(state_->vocabulary.pair_template(), options,
        cut(texts.first, buffers.first, share.first, options.truncate_left),
        cut(texts.second, buffers.second, share.second, options.truncate_left), output);
  return {output.count(), share.first < first_count || share.second < second_count};
}

uint32_t Tokenizer::special_tokens_added(bool pair) const {
  const size_t items =
      (pair ? state_->vocabulary.pair_template() : state_->vocabulary.single_template()).size();
  return static_cast<uint32_t>(items - (pair ? 2 : 1));
}

std::string Tokenizer::decode(std::span<const uint32_t> ids, bool skip_special_tokens) const {
  const State& state = *state_;
  const auto normalize = [&state](std::string_view text) {
    if (state.subwords) {
      NormalizerScratch scratch;
      return std::string(state.subwords->normalizer().normalize({text}, scratch).text);
    }
    NormalizedText normalized;
    normalized.reserve_for(text.size());
    state.words.normalizer().normalize(text, normalized);
    return std::string(normalized.view());
  };
  return decode_tokens(state.decoder,
                       tokens_of(state.vocabulary, ids, skip_special_tokens, normalize));
}

std::string_view Tokenizer::piece(uint32_t id) const { return state_->vocabulary.piece(id); }

std::optional<uint32_t> Tokenizer::id_of(std::string_view piece) const {
  if (piece.empty()) return std::nullopt;
  for (uint32_t id = 0; id < vocabulary_size(); ++id) {
    if (state_->vocabulary.piece(id) == piece) return id;
  }
  return std::nullopt;
}

uint32_t Tokenizer::vocabulary_size() const { return state_->vocabulary.id_count(); }

}  // namespace hilo
