// The pieces of a vocabulary that is being made, each with its id. Looking one up takes a hash, so
// that 250,000 of them with as many merges are no matter of seconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hilo {

struct Piece {
  std::string text;
  uint32_t id;
};

class PieceList {
 public:
  void reserve(size_t count);
  // Of two equal texts the first keeps its id; false then.
  bool emplace(std::string text, uint32_t id);
  // Of two equal texts the later gives the id.
  void insert_or_assign(std::string text, uint32_t id);
  // Null where there is none.
  const Piece* find(std::string_view text) const;
  bool contains(std::string_view text) const { return find(text) != nullptr; }

  size_t size() const { return pieces_.size(); }
  bool empty() const { return pieces_.empty(); }
  auto begin() const { return pieces_.begin(); }
  auto end() const { return pieces_.end(); }

 private:
  // The hash is here so that few texts are looked at: each is somewhere else in memory.
  struct Place {
    uint32_t number = 0;  // of a piece + 1; 0: free
    uint32_t hash = 0;
  };
  static uint32_t hash_of(std::string_view text);
  // Where the text is, or where it belongs.
  size_t place_of(std::string_view text, uint32_t hash) const;
  // The piece of this text, and whether it is new.
  std::pair<Piece&, bool> add(std::string text, uint32_t id);
  void grow(size_t places);

  std::vector<Piece> pieces_;  // in the order they came
  std::vector<Place> places_;  // a power of two of them
};

}  // namespace hilo
