// Lines in, records out: what one thread of `hilo embed` does with a few lines at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "cli/embed/line_source.h"
#include "cli/embed/text_item.h"
#include "cli/embed/vector_format.h"
#include "cli/model_source.h"
#include "tokenizer/tokenizer.h"

namespace hilo {

// How many texts are computed together.
struct EmbedBatch {
  uint32_t tokens_enough = 256;  // A batch is computed as soon as it has so many tokens, or texts.
  uint32_t texts_max = 64;
};
// On the CPU, kernels reach full speed well below that, and cut what is larger than their caches by
// themselves. A device gets as much as it takes at once, but for the text that comes last.
EmbedBatch embed_batch(const Backend& backend, uint32_t tokens_max);

// What is asked for, the same for all threads.
struct EmbedJob {
  const LoadedModel& model;
  uint32_t tokens_max;  // of a text
  EmbedBatch batch;
  std::string prompt;  // put before each text
  std::string field;   // lines are JSON objects, and this member is the text; empty: plain lines
  VectorFormat format = VectorFormat::text;
  uint32_t dims = 0;         // the first so many of the model's
  bool renormalize = false;  // to length 1, where dims cuts some off
  bool skip_bad = false;
};

// The text of a line, or why there is none.
TextItemResult item_of_line(const EmbedJob& job, const Line& line);

struct BadLine {
  uint64_t number = 0;
  std::string cause;
};

struct EncodedChunk {
  std::string bytes;  // records in the format asked for
  uint64_t records = 0;
  uint64_t texts = 0;
  uint64_t tokens = 0;
  uint64_t truncated = 0;
  uint64_t input_bytes = 0;
  std::vector<BadLine> skipped;
  std::optional<Error> failure;  // why the run ends after these records
};

class ChunkEncoder {
 public:
  explicit ChunkEncoder(const EmbedJob& job);

  EncodedChunk encode(const std::vector<Line>& lines);

 private:
  struct Pending {
    TextItem item;
    uint64_t line = 0;
    Encoding encoding;
  };
  struct Free {
    void operator()(float* vectors) const;
  };

  void add(TextItem item, uint64_t line);
  // Computes and writes what was added. False: done_.failure says why not.
  bool flush();
  void refuse(const Line& line, const std::string& cause);
  std::span<const float> shortened(float* vector) const;

  const EmbedJob& job_;
  TokenizerScratch scratch_;
  std::unique_ptr<Workspace> workspace_;
  YieldGate gate_;
  std::unique_ptr<float[], Free> storage_;
  std::vector<float*> vectors_;  // one for each text of a batch, in storage_
  // The batch that is being gathered, packed for the backend.
  std::vector<Pending> pending_;
  std::vector<uint32_t> ids_;
  std::vector<uint32_t> sequence_start_;
  EncodedChunk done_;
};

}  // namespace hilo
