// The normalizer Precompiled: a map from characters to texts that SentencePiece made for its model.
//
//   | bytes of the trie 4 | units of the trie, 4 each | texts, each ended by a zero byte |
//
// The trie is a double array (Darts): the child of a node for byte `b` is at node ^ offset ^ b if
// the label there is `b`. A map comes from a model file, so no place in it is trusted. Threads:
// never changes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "tokenizer/rewriter.h"

namespace hilo {

class Precompiled {
 public:
  // Borrows the map.
  static Result<Precompiled> open(std::span<const std::byte> charsmap);

  // `text` is valid UTF-8 and all that is rewritten.
  void normalize(std::string_view text, Rewriter& normalized) const;
  // The longest text that anything becomes.
  size_t growth_max() const { return longest_text_; }

 private:
  // What `chunk` becomes: the shortest key that begins it decides for the whole. Nothing if no key
  // does.
  std::optional<std::string_view> transform(std::string_view chunk) const;
  std::string_view text_at(size_t place) const;
  void append_cluster(std::string_view cluster, Rewriter& normalized) const;
  size_t plain_run(std::string_view text) const;

  uint32_t unit(size_t place) const;

  std::span<const std::byte> units_;
  std::string_view texts_;
  size_t longest_text_ = 0;
  std::array<bool, 128> stays_{};  // an ASCII character, printable, that no key begins with
};

}  // namespace hilo
