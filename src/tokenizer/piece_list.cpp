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

bool PieceList::emplace(std::string text, uint32_t id) { return add(std::move(text), id).second; }

void PieceList::insert_or_assign(std::string text, uint32_t id) {
  add(std::move(text), id).first.id = id;
}

std::pair<Piece&, bool> PieceList::add(std::string text, uint32_t id) {
  if (2 * (pieces_.size() + 1) > places_.size()) reserve(2 * pieces_.size() + 16);
  const uint32_t hash = hash_of(text);
  Place& place = places_[place_of(text, hash)];
  if (place.number != 0) return {pieces_[place.number - 1], false};
  pieces_.push_back({std::move(text), id});
  place = {static_cast<uint32_t>(pieces_.size()), hash};
  return {pieces_.back(), true};
}

const Piece* PieceList::find(std::string_view text) const {
  if (places_.empty()) return nullptr;
  const uint32_t number = places_[place_of(text, hash_of(text))].number;
  return number == 0 ? nullptr : &pieces_[number - 1];
}

uint32_t PieceList::hash_of(std::string_view text) {
  return static_cast<uint32_t>(std::hash<std::string_view>{}(text));
}

size_t PieceList::place_of(std::string_view text, uint32_t hash) const {
  const size_t mask = places_.size() - 1;
  size_t at = hash & mask;
  while (places_[at].number != 0 &&
         (places_[at].hash != hash || pieces_[places_[at].number - 1].text != text)) {
    at = (at + 1) & mask;
  }
  return at;
}

// All texts differ, so only a free place has to be found.
void PieceList::grow(size_t places) {
  std::vector<Place> old(places);
  std::swap(old, places_);
  const size_t mask = places - 1;
  for (const Place& place : old) {
    if (place.number == 0) continue;
    size_t at = place.hash & mask;
    while (places_[at].number != 0) at = (at + 1) & mask;
    places_[at] = place;
  }
}

}  // namespace hilo
