#include "http/json_inputs.h"

#include <limits>
#include <vector>

#include <fmt/format.h>

namespace hilo::http {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;

// Where in the body a value is. Written out only for a problem.
struct Place {
  std::string_view field;
  std::optional<size_t> index = {};
  std::optional<size_t> inner = {};

  std::string text() const {
    std::string text{field};
    if (index) text += fmt::format("[{}]", *index);
    if (inner) text += fmt::format("[{}]", *inner);
    return text;
  }
  Problem wrong(std::string_view must_be, element value) const {
    return wrong_field(field,
                       fmt::format("'{}' must be {}, not {}.", text(), must_be, kind_of(value)));
  }
  Problem empty() const {
    Problem problem = wrong_field(field, fmt::format("'{}' is an empty list.", text()));
    problem.kind = ProblemKind::empty_list;
    return problem;
  }
};

// A list that is not empty.
Outcome<array> read_list(const JsonField& field) {
  if (auto there = require(field); !there) return there.error();
  array list;
  if (field.value->get(list) != simdjson::SUCCESS)
    return Place{field.name}.wrong("a list", *field.value);
  if (list.begin() == list.end()) return Place{field.name}.empty();
  return list;
}

Outcome<void> check_count(const Place& place, const Limits& limits) {
  if (*place.index < limits.texts_per_request_max) return {};
  return wrong_field(place.field, fmt::format("'{}' has more than {} texts, the most that one "
                                              "request may have.",
                                              place.field, limits.texts_per_request_max));
}

// Calls `use` with each item and its place, until one is wrong.
template <class Use>
Outcome<void> for_each_item(array list, std::string_view field, const Limits& limits, Use use) {
  Place place{field, 0};
  for (const element item : list) {
    if (auto counted = check_count(place, limits); !counted) return counted.error();
    if (Outcome<void> used = use(item, place); !used) return used.error();
    ++*place.index;
  }
  return {};
}

Outcome<std::string_view> text_of(element value, const Place& place) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return place.wrong("a string", value);
  if (text.size() <= text_bytes_max) return text;
  return wrong_field(place.field, fmt::format("'{}' has {} bytes; a text may have {} at most.",
                                              place.text(), text.size(), text_bytes_max));
}

Outcome<void> add_text(element value, const Place& place, TextList& texts) {
  const auto text = text_of(value, place);
  if (!text) return text.error();
  texts.add(*text);
  return {};
}

constexpr size_t ids_per_text_max = text_bytes_max / sizeof(uint32_t);

// Token ids of one text. The place is that of their list.
Outcome<void> add_ids(array list, const Place& place, TokenLists& tokens) {
  std::vector<uint32_t> ids;
  for (const element item : list) {
    uint64_t id = 0;
    if (item.get(id) != simdjson::SUCCESS || id > std::numeric_limits<uint32_t>::max()) {
      Place wrong = place;
      (wrong.index ? wrong.inner : wrong.index) = ids.size();
      return wrong.wrong("a token id", item);
    }
    if (ids.size() == ids_per_text_max)
      return wrong_field(place.field, fmt::format("'{}' has more than {} token ids.", place.text(),
                                                  ids_per_text_max));
    ids.push_back(static_cast<uint32_t>(id));
  }
  if (ids.empty()) return place.empty();
  tokens.add(ids);
  return {};
}

Outcome<void> add_input(element item, element_type kind, const Place& place, Work& work) {
  if (item.type() != kind || (!item.is_string() && !item.is_array()))
    return place.wrong(
        kind == element_type::ARRAY ? "a list of token ids, as the first is" : "a string", item);
  if (item.is_string()) return add_text(item, place, work.texts);
  return add_ids(item.get_array().value_unsafe(), place, work.tokens);
}

// [text] or [text, text]; `first` says how many the first had.
Outcome<void> add_sequence(element item, size_t texts, const Place& place, Work& work) {
  array list;
  if (item.get(list) != simdjson::SUCCESS || list.size() != texts)
    return place.wrong(
        texts == 1 ? "a list of one text, as the first is" : "a list of two texts, as the first is",
        item);
  const auto begin = static_cast<uint32_t>(work.texts.size());
  size_t inner = 0;
  for (const element text : list)
    if (auto added = add_text(text, {place.field, place.index, inner++}, work.texts); !added)
      return added.error();
  if (texts == 2) work.pairs.push_back({begin, begin + 1});
  return {};
}

}  // namespace

Outcome<Work> read_inputs(const JsonField& field, const Limits& limits) {
  if (auto there = require(field); !there) return there.error();
  Work work;
  if (field.value->is_string()) {
    if (auto added = add_text(*field.value, {field.name}, work.texts); !added) return added.error();
    return work;
  }
  if (!field.value->is_array())
    return Place{field.name}.wrong("a string, a list of strings, or token ids", *field.value);
  const auto list = read_list(field);
  if (!list) return list.error();
  if ((*list->begin()).is_number()) {
    if (auto added = add_ids(*list, {field.name}, work.tokens); !added) return added.error();
    return work;
  }
  const element_type kind = (*list->begin()).type();
  const auto add = [&](element item, const Place& place) {
    return add_input(item, kind, place, work);
  };
  if (auto added = for_each_item(*list, field.name, limits, add); !added) return added.error();
  return work;
}

Outcome<std::string_view> read_text(const JsonField& field) {
  if (auto there = require(field); !there) return there.error();
  return text_of(*field.value, {field.name});
}

Outcome<void> read_texts(const JsonField& field, const Limits& limits, TextList& texts) {
  const auto list = read_list(field);
  if (!list) return list.error();
  return for_each_item(*list, field.name, limits, [&](element item, const Place& place) {
    return add_text(item, place, texts);
  });
}

Outcome<Work> read_ranking(const JsonField& query, const JsonField& documents,
                           const Limits& limits) {
  const auto text = read_text(query);
  if (!text) return text.error();
  const auto list = read_list(documents);
  if (!list) return list.error();
  Work work;
  work.texts.add(*text);
  const auto add = [&](element item, const Place& place) -> Outcome<void> {
    element document = item;
    if (item.is_object() && item["text"].get(document) != simdjson::SUCCESS)
      return wrong_field(documents.name, fmt::format("'{}' has no 'text'.", place.text()));
    work.pairs.push_back({0, static_cast<uint32_t>(work.texts.size())});
    return add_text(document, place, work.texts);
  };
  if (auto added = for_each_item(*list, documents.name, limits, add); !added) return added.error();
  return work;
}

Outcome<Sequences> read_sequences(const JsonField& field, const Limits& limits) {
  if (auto there = require(field); !there) return there.error();
  Sequences read;
  if (field.value->is_string()) {
    if (auto added = add_text(*field.value, {field.name}, read.work.texts); !added)
      return added.error();
    return read;
  }
  const auto list = read_list(field);
  if (!list) return list.error();
  const element first = *list->begin();
  if (first.is_string()) {
    const size_t texts = list->size();
    if (texts > 2)
      return wrong_field(field.name, fmt::format("'{}' has {} texts, but a pair has two; several "
                                                 "are a list of lists.",
                                                 field.name, texts));
    if (auto added = add_sequence(*field.value, texts, {field.name}, read.work); !added)
      return added.error();
    return read;
  }
  array first_list;
  if (first.get(first_list) != simdjson::SUCCESS || first_list.size() < 1 || first_list.size() > 2)
    return Place{field.name, 0}.wrong("a list of one or two texts", first);
  read.is_list = true;
  const auto add = [&](element item, const Place& place) {
    return add_sequence(item, first_list.size(), place, read.work);
  };
  if (auto added = for_each_item(*list, field.name, limits, add); !added) return added.error();
  return read;
}

Outcome<TokenLists> read_token_lists(const JsonField& field, const Limits& limits, size_t ids_max) {
  const auto list = read_list(field);
  if (!list) return list.error();
  TokenLists tokens;
  if (!(*list->begin()).is_array()) {
    if (auto added = add_ids(*list, {field.name}, tokens); !added) return added.error();
  } else {
    const auto add = [&](element item, const Place& place) -> Outcome<void> {
      array ids;
      if (item.get(ids) != simdjson::SUCCESS)
        return place.wrong("a list of token ids, as the first is", item);
      return add_ids(ids, place, tokens);
    };
    if (auto added = for_each_item(*list, field.name, limits, add); !added) return added.error();
  }
  if (tokens.items() <= ids_max) return tokens;
  return wrong_field(field.name, fmt::format("'{}' has {} token ids; there may be {} at most.",
                                             field.name, tokens.items(), ids_max));
}

}  // namespace hilo::http
