#include "tokenizer/unigram.h"

#include <algorithm>
#include <limits>

#include "base/ensure.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

// An unknown character scores so much less than the worst piece.
constexpr double unknown_penalty = 10.0;
constexpr uint32_t unreached = std::numeric_limits<uint32_t>::max();

double least(std::span<const double> scores) {
  const auto found = std::min_element(scores.begin(), scores.end());
  return found == scores.end() ? 0.0 : *found;
}

uint32_t character_bytes(char lead) {
  const auto byte = static_cast<uint8_t>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

}  // namespace

Unigram::Unigram(const Vocabulary& vocabulary)
    : vocabulary_(vocabulary),
      unknown_score_(least(vocabulary.family_parts().scores) - unknown_penalty),
      byte_fallback_(vocabulary.family_parts().options.byte_fallback != 0) {}

// Viterbi from left to right. Of two ways with the same sum the one whose last piece begins earlier
// stays, and sums are added up in this order, because the reference does both so.
void Unigram::find_best(std::string_view word, std::vector<UnigramScratch::Step>& best) const {
  const std::span<const double> scores = vocabulary_.family_parts().scores;
  best.assign(word.size() + 1, {0.0, 0, unreached});
  const auto offer = [&best](size_t end, double score, uint32_t id, size_t begin) {
    UnigramScratch::Step& step = best[end];
    if (step.begin == unreached || score > step.score) {
      step = {score, id, static_cast<uint32_t>(begin)};
    }
  };
  for (size_t begin = 0; begin < word.size();) {
    const double until_here = best[begin].score;
    // A damaged vocabulary may normalize a text to what is not valid UTF-8 and ends too early.
    const size_t first_bytes = std::min<size_t>(character_bytes(word[begin]), word.size() - begin);
    bool has_first = false;
    vocabulary_.for_each_match(word.substr(begin), [&](size_t bytes, uint32_t id) {
      offer(begin + bytes, scores[id] + until_here, id, begin);
      has_first = has_first || bytes == first_bytes;
    });
    if (!has_first) {
      offer(begin + first_bytes, unknown_score_ + until_here, vocabulary_.unknown_id(), begin);
    }
    begin += first_bytes;
  }
}

void Unigram::append(AlignedView word, UnigramScratch& scratch, TokenBuffer& tokens) const {
  ENSURE(word.text.size() < unreached);
  find_best(word.text, scratch.best);
  scratch.path.clear();
  size_t end = word.text.size();
  for (; end > 0; end = scratch.path.back().begin) scratch.path.push_back(scratch.best[end]);
  // Neighbours that are unknown are one token.
  size_t unknown_begin = unreached;
  const auto end_unknown = [&](size_t unknown_end) {
    if (unknown_begin == unreached) return;
    append_unknown(word.part(unknown_begin, unknown_end - unknown_begin), tokens);
    unknown_begin = unreached;
  };
  for (size_t left = scratch.path.size(); left > 0; --left) {
    const UnigramScratch::Step& step = scratch.path[left - 1];
    if (step.id == vocabulary_.unknown_id()) {
      unknown_begin = std::min<size_t>(unknown_begin, step.begin);
      continue;
    }
    end_unknown(step.begin);
    const size_t step_end = left > 1 ? scratch.path[left - 2].begin : word.text.size();
    tokens.push(step.id, word.source_of(step.begin, step_end - step.begin));
  }
  end_unknown(word.text.size());
}

void Unigram::append_unknown(AlignedView part, TokenBuffer& tokens) const {
  const TokenOffsets source = part.source_of(0, part.text.size());
  const TrieMatch match = vocabulary_.longest_match(TrieRole::word_start, part.text);
  if (match.bytes == part.text.size()) {
    return tokens.push(vocabulary_.value_of(match.slot), source);
  }
  const std::span<const uint32_t> byte_ids = vocabulary_.family_parts().byte_ids;
  const auto id_of = [byte_ids](char byte) { return byte_ids[static_cast<uint8_t>(byte)]; };
  const bool has_all_bytes = byte_fallback_ && std::ranges::all_of(part.text, [&](char byte) {
                               return id_of(byte) != no_id;
                             });
  if (!has_all_bytes) return tokens.push(vocabulary_.unknown_id(), source);
  for (const char byte : part.text) tokens.push(id_of(byte), source);
}

}  // namespace hilo
