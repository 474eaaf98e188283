#include "tokenizer.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <hilo/hilo.h>
#include <nanobind/stl/optional.h>
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

class BoundTokenizer {
 public:
  explicit BoundTokenizer(const std::optional<std::string>& directory) {
    hilo_tokenizer* opened = nullptr;
    throw_unless_ok(hilo_tokenizer_open(directory ? directory->c_str() : nullptr, &opened));
    tokenizer_.reset(opened);
  }

  Ids encode(nb::object text, nb::object pair, uint32_t tokens_max, bool special) {
    const hilo_text first = text_of(text);
    const hilo_text second = pair.is_none() ? hilo_text{nullptr, 0} : text_of(pair);
    const nb::gil_scoped_release unlocked;
    const std::scoped_lock lock{mutex_};
    return ids_of(first, second, tokens_max, special);
  }

  std::vector<Ids> encode_batch(Texts texts, uint32_t tokens_max, bool special) {
    std::vector<hilo_text> utf8;
    utf8.reserve(texts.size());
    for (const nb::handle text : texts) utf8.push_back(text_of(text, utf8.size()));
    const nb::gil_scoped_release unlocked;
    const std::scoped_lock lock{mutex_};
    std::vector<Ids> all;
    all.reserve(utf8.size());
    for (const hilo_text& text : utf8)
      all.push_back(ids_of(text, {nullptr, 0}, tokens_max, special));
    return all;
  }

  std::optional<std::string> piece(uint32_t id) const {
    const char* const piece = hilo_tokenizer_piece(tokenizer_.get(), id);
    return piece ? std::optional<std::string>{piece} : std::nullopt;
  }
  uint32_t size() const { return hilo_tokenizer_size(tokenizer_.get()); }

 private:
  Ids ids_of(hilo_text text, hilo_text pair, uint32_t tokens_max, bool special) {
    const auto write_to = [&](Ids& ids, size_t& count) {
      return hilo_tokenizer_encode(tokenizer_.get(), text.data, text.bytes, pair.data, pair.bytes,
                                   tokens_max, special, ids.data(), ids.size(), &count);
    };
    Ids ids((text.bytes + pair.bytes) / 2 + 16);
    size_t count = 0;
    hilo_status status = write_to(ids, count);
    if (status == HILO_FULL) {
      ids.resize(count);
      status = write_to(ids, count);
    }
    throw_unless_ok(status);
    ids.resize(count);
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
      .def("encode_batch", &BoundTokenizer::encode_batch, "texts"_a, "tokens_max"_a,
           "add_special_tokens"_a)
      .def("piece", &BoundTokenizer::piece, "id"_a)
      .def_prop_ro("size", &BoundTokenizer::size);
}

}  // namespace hilo::python
