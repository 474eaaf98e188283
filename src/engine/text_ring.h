// Private memory for the texts of one client in one lane, from intake until they are tokenized.
// Blocks are taken in order and given back in any order; the space of a block is reused once it and
// all older ones are back. When nothing is left the ring starts again at its warm first bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "protocol/bounds.h"

namespace hilo {

class TextRing {
 public:
  using BlockId = uint32_t;

  // More than a client may have open: while one worker is held up with an old text, others are done
  // with newer ones, and on a GPU these are soon computed and followed by the next.
  static constexpr uint32_t blocks_max = 8 * tasks_per_client_max;
  // A text does not wrap, and has a prompt before it: what a client may have open fits besides.
  static constexpr size_t room = text_bytes_open_max + 2 * size_t{text_bytes_max};

  TextRing() = default;  // Without room.
  explicit TextRing(std::span<char> text) : text_(text) {}

  struct Block {
    BlockId id;
    std::span<char> text;
  };
  // Nothing when there is no room now. `bytes` is at most the capacity.
  std::optional<Block> take(size_t bytes);
  void give_back(BlockId id);

  bool empty() const { return first_ == next_; }

 private:
  struct Record {
    uint64_t end;  // where the next block may begin
    bool back;
  };
  Record& record(BlockId id) { return blocks_[id % blocks_max]; }

  std::span<char> text_;
  std::array<Record, blocks_max> blocks_{};
  // Positions and block ids run freely and are reduced on use.
  uint64_t begin_ = 0;  // of the oldest block
  uint64_t end_ = 0;    // of the newest block
  BlockId first_ = 0;   // the oldest block
  BlockId next_ = 0;    // the id of the next block
};

}  // namespace hilo
