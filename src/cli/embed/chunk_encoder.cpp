#include "cli/embed/chunk_encoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "engine/text_ids.h"

namespace hilo {
namespace {

constexpr std::align_val_t vector_alignment{64};
constexpr size_t floats_aligned = 64 / sizeof(float);

}  // namespace

EmbedBatch embed_batch(const Backend& backend, uint32_t tokens_max) {
  const auto device = backend.device();
  if (!device) return {};
  const uint32_t half = device->tokens_max / 2;
  return {.tokens_enough = std::max(half, device->tokens_max - std::min(tokens_max, half)),
          .texts_max = device->texts_max};
}

TextItemResult item_of_line(const EmbedJob& job, const Line& line) {
  if (line.too_long) return BadText{fmt::format("has more than {} bytes", line.bytes.size())};
  return job.field.empty() ? plain_item(line.bytes) : json_item(line.bytes, job.field);
}

void ChunkEncoder::Free::operator()(float* vectors) const {
  ::operator delete[](vectors, vector_alignment);
}

ChunkEncoder::ChunkEncoder(const EmbedJob& job)
    : job_(job),
      workspace_(job.model.backend->make_workspace(job.batch.tokens_enough + job.tokens_max,
                                                   job.batch.texts_max)),
      ids_(job.batch.tokens_enough + job.tokens_max) {
  const size_t dims = job.model.backend->dims();
  const size_t stride = (dims + floats_aligned - 1) / floats_aligned * floats_aligned;
  storage_.reset(new (vector_alignment) float[stride * job.batch.texts_max]{});
  for (size_t text = 0; text < job.batch.texts_max; ++text)
    vectors_.push_back(storage_.get() + text * stride);
  sequence_start_.push_back(0);
}

EncodedChunk ChunkEncoder::encode(const std::vector<Line>& lines) {
  done_ = {};
  for (const Line& line : lines) {
    done_.input_bytes += line.input_bytes;
    auto item = item_of_line(job_, line);
    if (!item) {
      if (flush()) refuse(line, item.error().cause);
    } else {
      add(std::move(*item), line.number);
      if (sequence_start_.back() >= job_.batch.tokens_enough ||
          pending_.size() == job_.batch.texts_max)
        flush();
    }
    if (done_.failure) return std::move(done_);
  }
  flush();
  return std::move(done_);
}

void ChunkEncoder::add(TextItem item, uint64_t line) {
  const uint32_t start = sequence_start_.back();
  const std::string text = job_.prompt + item.text;
  const Encoding encoding = ids_of_text(job_.model.tokenizer_or_null(), {.text = text}, scratch_,
                                        {.ids = std::span{ids_}.subspan(start, job_.tokens_max)});
  pending_.push_back({std::move(item), line, encoding});
  sequence_start_.push_back(start + encoding.tokens);
}

bool ChunkEncoder::flush() {
  if (pending_.empty()) return true;
  const TokenBatch batch{.ids = std::span{ids_}.first(sequence_start_.back()),
                         .types = {},
                         .sequence_start = sequence_start_};
  const bool computed = job_.model.backend->run(batch, *workspace_, gate_,
                                                std::span{vectors_}.first(pending_.size()));
  for (size_t text = 0; computed && text < pending_.size(); ++text) {
    const auto& [item, line, encoding] = pending_[text];
    append_record(job_.format,
                  {.text = item.text,
                   .id = item.id,
                   .tokens = encoding.tokens,
                   .truncated = encoding.truncated,
                   .vector = shortened(vectors_[text])},
                  done_.bytes);
    ++done_.records;
    ++done_.texts;
    done_.tokens += encoding.tokens;
    done_.truncated += encoding.truncated ? 1 : 0;
  }
  if (!computed)
    done_.failure = Error{fmt::format("the backend could not compute the texts from number {} on",
                                      pending_.front().line)};
  pending_.clear();
  sequence_start_.resize(1);
  return computed;
}

void ChunkEncoder::refuse(const Line& line, const std::string& cause) {
  if (!job_.skip_bad) {
    done_.failure = Error{fmt::format(
        "line {} {}: correct it, or go past such lines with --skip-bad", line.number, cause)};
    return;
  }
  done_.skipped.push_back({line.number, cause});
  if (!marks_gaps(job_.format)) return;
  append_gap(job_.format, job_.dims, done_.bytes);
  ++done_.records;
}

// Matryoshka models keep the meaning in the first components.
std::span<const float> ChunkEncoder::shortened(float* vector) const {
  const std::span<float> kept{vector, job_.dims};
  if (!job_.renormalize) return kept;
  const double square = std::inner_product(kept.begin(), kept.end(), kept.begin(), 0.0);
  if (square > 0)
    for (float& number : kept) number = static_cast<float>(number / std::sqrt(square));
  return kept;
}

}  // namespace hilo
