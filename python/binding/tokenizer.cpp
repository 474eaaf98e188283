#include "tokenizer.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hilo/hilo.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "status_error.h"
#include "text.h"

namespace hilo::python {
namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Texts = nb::typed<nb::tuple, nb::str, nb::ellipsis>;
using Ids = std::vector<uint32_t>;
using Offsets = std::vector<std::pair<uint32_t, uint32_t>>;

class BoundTokenizer {
 public:
  explicit BoundTokenizer(const std::optional<std::string>& directory) {
    hilo_tokenizer* opened = nullptr;
    throw_unless_ok(hilo_tokenizer_open(directory ? directory->c_str() : nullptr, &opened));
    tokenizer_.reset(opened);
  }

  Ids encode(nb::object text, nb::object pair, uint32_t tokens_max, bool special) {
    return tokens_of(text, pair, tokens_max, special, nullptr);
  }

  std::pair<Ids, Offsets> encode_with_offsets(nb::object text, nb::object pair, uint32_t tokens_max,
                                              bool special) {
    Offsets offsets;
    Ids ids = tokens_of(text, pair, tokens_max, special, &offsets);
    return {std::move(ids), std::move(offsets)};
  }

  std::vector<Ids> encode_batch(Texts texts, uint32_t tokens_max, bool special) {
    std::vector<hilo_text> utf8;
    utf8.reserve(texts.size());
    for (const nb::handle text : texts) utf8.push_back(text_of(text, utf8.size()));
    const nb::gil_scoped_release unlocked;
    const std::scoped_lock lock{mutex_};
    std::vector<Ids> all;
    all.reserve(utf8.size());
    const hilo_encode_options options = options_of({nullptr, 0}, tokens_max, special);
    for (const hilo_text& text : utf8) all.push_back(ids_of(text, options, nullptr));
    return all;
  }

  std::string decode(const Ids& ids, bool skip_special_tokens) {
    const std::scoped_lock lock{mutex_};
    const char* text = nullptr;
    throw_unless_ok(hilo_tokenizer_decode(tokenizer_.get(), ids.data(), ids.size(),
                                          skip_special_tokens, &text));
    return text;
  }

  std::optional<std::string> piece(uint32_t id) const {
    const char* const piece = hilo_tokenizer_piece(tokenizer_.get(), id);
    return piece ? std::optional<std::string>{piece} : std::nullopt;
  }
  uint32_t size() const { return hilo_tokenizer_size(tokenizer_.get()); }

 private:
  static hilo_encode_options options_of(hilo_text pair, uint32_t tokens_max, bool special) {
    hilo_encode_options options{};
    options.struct_bytes = sizeof(options);
    options.second = pair.data;
    options.second_bytes = pair.bytes;
    options.tokens_max = tokens_max;
    options.leave_out_special_tokens = special ? 0 : 1;
    options.offset_unit = HILO_CHARACTERS;  // as Python counts
    return options;
  }

  Ids tokens_of(const nb::object& text, const nb::object& pair, uint32_t tokens_max, bool special,
                Offsets* offsets) {
    const hilo_text first = text_of(text);
    const hilo_text second = pair.is_none() ? hilo_text{nullptr, 0} : text_of(pair);
    const nb::gil_scoped_release unlocked;
    const std::scoped_lock lock{mutex_};
    return ids_of(first, options_of(second, tokens_max, special), offsets);
  }

  Ids ids_of(hilo_text text, const hilo_encode_options& options, Offsets* offsets) {
    Ids ids((text.bytes + options.second_bytes) / 2 + 16);
    std::vector<hilo_offsets> places;
    hilo_tokens tokens{};
    tokens.struct_bytes = sizeof(tokens);
    const auto write = [&] {
      if (offsets != nullptr) places.resize(ids.size());
      tokens.room = ids.size();
      tokens.ids = ids.data();
      tokens.offsets = offsets != nullptr ? places.data() : nullptr;
      return hilo_tokenizer_encode(tokenizer_.get(), text.data, text.bytes, &options, &tokens);
    };
    hilo_status status = write();
    if (status == HILO_FULL) {
      ids.resize(tokens.count);
      status = write();
    }
    throw_unless_ok(status);
    ids.resize(tokens.count);
    places.resize(offsets != nullptr ? tokens.count : 0);
    for (const hilo_offsets& place : places) offsets->emplace_back(place.begin, place.end);
    return ids;
  }

  struct Close {
    void operator()(hilo_tokenizer* tokenizer) const { hilo_tokenizer_close(tokenizer); }
  };
  std::unique_ptr<hilo_tokenizer, Close> tokenizer_;
  std::mutex mutex_;  // A tokenizer serves one thread at a time.
};

}  // namespace

void define_tokenizer(nb::module_& module) {
  nb::class_<BoundTokenizer>(module, "Tokenizer", "A model's tokenizer; needs no engine.")
      .def(nb::init<std::optional<std::string>>(), "directory"_a.none())
      .def("encode", &BoundTokenizer::encode, "text"_a, "pair"_a.none(), "tokens_max"_a,
           "add_special_tokens"_a)
      .def("encode_with_offsets", &BoundTokenizer::encode_with_offsets, "text"_a, "pair"_a.none(),
           "tokens_max"_a, "add_special_tokens"_a)
      .def("encode_batch", &BoundTokenizer::encode_batch, "texts"_a, "tokens_max"_a,
           "add_special_tokens"_a)
      .def("decode", &BoundTokenizer::decode, "ids"_a, "skip_special_tokens"_a)
      .def("piece", &BoundTokenizer::piece, "id"_a)
      .def_prop_ro("size", &BoundTokenizer::size);
}

}  // namespace hilo::python
