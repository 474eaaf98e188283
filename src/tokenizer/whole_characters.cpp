#include "tokenizer/whole_characters.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "tokenizer/byte_alphabet.h"

namespace hilo {

namespace {

constexpr size_t code_points = 0x110000;
constexpr size_t byte_classes = 64;
constexpr uint32_t never = std::numeric_limits<uint32_t>::max();  // later than every rank

// The bytes that a piece begins and ends with, if it stands for bytes.
struct Ends {
  uint8_t first = 0;
  uint8_t last = 0;
  bool known = false;
};

bool occurs_in_utf8(size_t byte) { return byte < 0xC0 || (byte >= 0xC2 && byte < 0xF5); }

}  // namespace

class WholeCharactersMaker {
 public:
  WholeCharactersMaker(const Vocabulary& vocabulary, const MergeTable& merges)
      : vocabulary_(vocabulary),
        byte_ids_(vocabulary.family_parts().byte_ids),
        merges_(merges),
        ends_(vocabulary.id_count()),
        least_use_(vocabulary.id_count(), never),
        before_(vocabulary.id_count()),
        behind_(vocabulary.id_count()) {}

  void make(WholeCharacters& made) {
    made.page_of_block_.resize(code_points / WholeCharacters::page_size);
    made.entries_.resize(WholeCharacters::page_size);
    if (vocabulary_.family() != TokenizerFamily::byte_level_bpe) return;
    read_pieces();
    if (!read_merges()) return;
    for (const Character& character : characters_) add(character, made);
  }

 private:
  // A merge of a character's own bytes: of what rank, and what its first and last bytes are part of
  // until then.
  struct Step {
    uint32_t first;
    uint32_t last;
    uint32_t rank;
  };
  struct Character {
    char32_t code_point;
    uint32_t token;
    std::array<Step, character_bytes_max - 1> steps;
    uint32_t step_count;
  };
  // The least rank of merges of an id with a neighbour outside of its character, by the byte of
  // that neighbour that is next to it. Only ids that are parts of characters have such a row.
  class Outside {
   public:
    explicit Outside(size_t ids) : row_of_id_(ids) {}
    void watch(uint32_t id) {
      if (row_of_id_[id] != 0) return;
      rows_.emplace_back().least.fill(never);
      row_of_id_[id] = static_cast<uint32_t>(rows_.size());
    }
    void add(uint32_t id, uint8_t byte, uint32_t rank) {
      if (row_of_id_[id] == 0) return;
      Row& row = rows_[row_of_id_[id] - 1];
      uint32_t& least = row.least[byte % byte_classes];
      least = std::min(least, rank);
      row.least_of_all = std::min(row.least_of_all, rank);
    }
    // A bit for each class of bytes with a merge of that rank or a lower one.
    uint64_t risk(uint32_t id, uint32_t rank) const {
      const Row& row = rows_[row_of_id_[id] - 1];
      uint64_t bits = 0;
      for (size_t byte = 0; row.least_of_all <= rank && byte < byte_classes; ++byte) {
        bits |= uint64_t{row.least[byte] <= rank} << byte;
      }
      return bits;
    }

   private:
    struct Row {
      std::array<uint32_t, byte_classes> least;
      uint32_t least_of_all = never;
    };
    std::vector<uint32_t> row_of_id_;  // their number + 1
    std::vector<Row> rows_;
  };

  void read_pieces();
  void read_character(std::string_view bytes);
  bool read_merges();
  void add(const Character& character, WholeCharacters& made) const;

  const Vocabulary& vocabulary_;
  std::span<const uint32_t> byte_ids_;
  const MergeTable& merges_;
  std::vector<Ends> ends_;
  std::vector<uint32_t> least_use_;  // the least rank of the merges of an id with another
  Outside before_;
  Outside behind_;
  std::vector<Character> characters_;
};

void WholeCharactersMaker::read_pieces() {
  for (uint32_t id = 0; id < vocabulary_.id_count(); ++id) {
    const std::string_view piece = vocabulary_.piece(id);
    if (piece.empty()) continue;
    const std::optional<uint8_t> first = byte_of_letter(decode_first(piece).code_point);
    // Letters are of one byte or two.
    const size_t last_bytes =
        static_cast<uint8_t>(piece.back()) < 0x80 || piece.size() == 1 ? 1 : 2;
    const std::string_view last_letter = piece.substr(piece.size() - last_bytes);
    const std::optional<uint8_t> last = byte_of_letter(decode_first(last_letter).code_point);
    if (!first || !last) continue;
    ends_[id] = {*first, *last, true};
    // The bytes of a character that is no ASCII are letters of two bytes.
    if (*first < 0x80 || piece.size() > 2 * character_bytes_max) continue;
    if (const auto bytes = bytes_of_piece(piece)) read_character(*bytes);
  }
}

// Merges the bytes of a character that stands alone.
void WholeCharactersMaker::read_character(std::string_view bytes) {
  const DecodedCharacter decoded = decode_first(bytes);
  if (!decoded.valid || decoded.bytes != bytes.size()) return;
  std::array<uint32_t, character_bytes_max> ids{};
  size_t count = 0;
  for (const char byte : bytes) ids[count++] = byte_ids_[static_cast<uint8_t>(byte)];
  if (std::find(ids.begin(), ids.begin() + count, no_id) != ids.begin() + count) return;
  Character character{.code_point = decoded.code_point, .token = no_id, .steps{}, .step_count = 0};
  for (; count > 1; --count) {
    const MergeRecord* least = nullptr;
    size_t place = 0;
    for (size_t at = 0; at + 1 < count; ++at) {
      const MergeRecord* merge = merges_.find(ids[at], ids[at + 1]);
      if (merge == nullptr || (least != nullptr && least->rank <= merge->rank)) continue;
      least = merge;
      place = at;
    }
    if (least == nullptr) return;
    character.steps[character.step_count++] = {ids[0], ids[count - 1], least->rank};
    before_.watch(ids[0]);
    behind_.watch(ids[count - 1]);
    ids[place] = least->merged;
    std::copy(ids.begin() + place + 2, ids.begin() + count, ids.begin() + place + 1);
  }
  character.token = ids[0];
  characters_.push_back(character);
}

// False if what a token begins or ends with cannot be told from its id, as where two pieces have
// the same one.
bool WholeCharactersMaker::read_merges() {
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    if (!occurs_in_utf8(byte)) continue;
    if (byte_ids_[byte] == no_id) return false;
    const Ends ends = ends_[byte_ids_[byte]];
    if (!ends.known || ends.first != byte || ends.last != byte) return false;
  }
  for (const MergeRecord& merge : vocabulary_.family_parts().merges) {
    if (merge.left == no_id) continue;
    const Ends left = ends_[merge.left];
    const Ends right = ends_[merge.right];
    const Ends merged = ends_[merge.merged];
    if (!left.known || !right.known || !merged.known || merged.first != left.first ||
        merged.last != right.last) {
      return false;
    }
    least_use_[merge.left] = std::min(least_use_[merge.left], merge.rank);
    least_use_[merge.right] = std::min(least_use_[merge.right], merge.rank);
    before_.add(merge.right, left.last, merge.rank);
    // What goes on in a character is not behind it.
    if (!is_tail(right.first)) behind_.add(merge.left, right.first, merge.rank);
  }
  return true;
}

void WholeCharactersMaker::add(const Character& character, WholeCharacters& made) const {
  WholeCharacters::Entry entry{.token = character.token};
  for (uint32_t number = 0; number < character.step_count; ++number) {
    const Step& step = character.steps[number];
    if (least_use_[character.token] <= step.rank) return;
    entry.before |= before_.risk(step.first, step.rank);
    entry.behind |= behind_.risk(step.last, step.rank);
  }
  uint16_t& page = made.page_of_block_[character.code_point / WholeCharacters::page_size];
  if (page == 0) {
    page = static_cast<uint16_t>(made.entries_.size() / WholeCharacters::page_size);
    made.entries_.resize(made.entries_.size() + WholeCharacters::page_size);
  }
  made.entries_[page * WholeCharacters::page_size +
                character.code_point % WholeCharacters::page_size] = entry;
}

WholeCharacters::WholeCharacters(const Vocabulary& vocabulary, const MergeTable& merges) {
  WholeCharactersMaker(vocabulary, merges).make(*this);
}

}  // namespace hilo
