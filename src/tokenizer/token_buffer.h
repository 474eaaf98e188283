// The ids of one text while they are made, with their offsets if these are wanted. Stops growing
// soon after the limit, so that a long text costs no more than what is kept of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tokenizer/token_offsets.h"

namespace hilo {

class TokenBuffer {
 public:
  void start(size_t limit, bool with_offsets = false) {
    count_ = 0;
    limit_ = limit;
    with_offsets_ = with_offsets;
    offsets_.clear();
    spaces_.clear();
  }
  bool wants_offsets() const { return with_offsets_; }
  // More tokens than the limit: whatever follows cannot change the first `limit` of them.
  bool is_over() const { return count_ > limit_; }
  std::span<const uint32_t> ids() const { return {ids_.data(), count_}; }

  void push(uint32_t id) {
    *room_for(1) = id;
    ++count_;
  }
  void push(uint32_t id, TokenOffsets offsets, TokenSpaces spaces = {}) {
    push(id);
    if (!with_offsets_) return;
    offsets_.push_back(offsets);
    spaces_.push_back(spaces);
  }
  // Of words without offsets.
  void append(std::span<const uint32_t> ids) {
    std::copy(ids.begin(), ids.end(), room_for(ids.size()));
    count_ += ids.size();
  }
  // Forgets all but the first `count`.
  void cut(size_t count) {
    count_ = count;
    offsets_.resize(std::min(count, offsets_.size()));
    spaces_.resize(std::min(count, spaces_.size()));
  }
  // One for each id, if offsets are wanted.
  std::span<TokenOffsets> offsets() { return offsets_; }
  std::span<TokenSpaces> spaces() { return spaces_; }
  // Room for up to `count` ids; advance() then says how many were written.
  uint32_t* room_for(size_t count) {
    if (ids_.size() - count_ < count) ids_.resize(std::max(2 * ids_.size(), count_ + count));
    return ids_.data() + count_;
  }
  void advance(size_t count) { count_ += count; }
  // The same by where the next id would go.
  void advance_to(const uint32_t* end) { count_ = static_cast<size_t>(end - ids_.data()); }

 private:
  std::vector<uint32_t> ids_;
  std::vector<TokenOffsets> offsets_;
  std::vector<TokenSpaces> spaces_;
  size_t count_ = 0;
  size_t limit_ = 0;
  bool with_offsets_ = false;
};

}  // namespace hilo
