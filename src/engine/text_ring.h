// Private memory for the texts of one lane, from intake until they are tokenized. Blocks are taken
// in order and given back in any order; the space of a block is reused once it and all older ones
// are back. When nothing is left the ring starts again at its warm first bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/reserved_memory.h"
#include "scheduler/fair_queue.h"

namespace hilo {

class TextRing {
 public:
  using BlockId = uint32_t;

  explicit TextRing(size_t capacity) : text_(capacity), blocks_(tasks_max) {}

  struct Block {
    BlockId id;
    std::span<char> text;
  };
  // Nothing when there is no room now. `bytes` is at most the capacity.
  std::optional<Block> take(size_t bytes);
  void give_back(BlockId id);

  bool empty() const { return first_ == next_; }
  size_t bytes() const { return text_.bytes() + blocks_.bytes(); }

 private:
  struct Record {
    uint64_t end;  // where the next block may begin
    bool back;
  };
  Record& record(BlockId id) const { return blocks_.all()[id % tasks_max]; }

  ReservedMemory<char> text_;
  ReservedMemory<Record> blocks_;
  // Positions and block ids run freely and are reduced on use.
  uint64_t begin_ = 0;  // of the oldest block
  uint64_t end_ = 0;    // of the newest block
  BlockId first_ = 0;   // the oldest block
  BlockId next_ = 0;    // the id of the next block
};

}  // namespace hilo
