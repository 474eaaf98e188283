#include "tokenizer/piece_list.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

namespace hilo {

void PieceList::reserve(size_t count) {
  pieces_.reserve(count);
  if (2 * count > places_.size()) grow(std::bit_ceil(2 * count + 16));
}

bool PieceList::emplace(std::string text, uint32_t id) {
  if (2 * (pieces_.size() + 1) > places_.size()) reserve(2 * pieces_.size() + 16);
  const size_t place = place_of(text);
  if (places_[place] != 0) return false;
  pieces_.push_back({std::move(text), id});
  places_[place] = static_cast<uint32_t>(pieces_.size());
  return true;
}

void PieceList::insert_or_assign(std::string text, uint32_t id) {
  if (const Piece* known = find(text)) {
    pieces_[static_cast<size_t>(known - pieces_.data())].id = id;
  } else {
    emplace(std::move(text), id);
  }
}

const Piece* PieceList::find(std::string_view text) const {
  if (places_.empty()) return nullptr;
  const uint32_t number = places_[place_of(text)];
  return number == 0 ? nullptr : &pieces_[number - 1];
}

// Where the text is, or where it belongs.
size_t PieceList::place_of(std::string_view text) const {
  const size_t mask = places_.size() - 1;
  size_t place = std::hash<std::string_view>{}(text)&mask;
  while (places_[place] != 0 && pieces_[places_[place] - 1].text != text)
    place = (place + 1) & mask;
  return place;
}

void PieceList::grow(size_t places) {
  places_.assign(places, 0);
  for (uint32_t index = 0; index < pieces_.size(); ++index) {
    places_[place_of(pieces_[index].text)] = index + 1;
  }
}

}  // namespace hilo
