// Many lines on all cores, with the records in the order of the lines. Each thread takes a few
// lines, turns them into records, and hands these in; whoever hands in those that come next writes
// them, and what others have handed in after them. So no core waits for another as long as there
// is input, and a thread that was held up delays the writing, not the work.
//
//   NextLines --> chunk 7: ChunkEncoder --+
//             --> chunk 8: ChunkEncoder --+--> waiting_ {8}, next_ 7 --> VectorFile
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "cli/embed/chunk_encoder.h"
#include "cli/embed/progress_line.h"
#include "cli/embed/vector_file.h"

namespace hilo {

// The lines of the next chunk; none at the end. Called by one thread at a time.
using NextLines = std::function<Result<std::vector<Line>>()>;

class Pipeline {
 public:
  Pipeline(const EmbedJob& job, NextLines next_lines, VectorFile& output, ProgressLine& progress)
      : job_(job), next_lines_(std::move(next_lines)), output_(output), progress_(progress) {}

  // Until the input ends, a stop is requested, or something fails. Records of all lines before that
  // point are written.
  Status run(uint32_t threads);

 private:
  struct Chunk {
    uint64_t index = 0;
    std::vector<Line> lines;
    std::optional<Error> failure;  // why no lines come after these
  };

  void work();
  std::optional<Chunk> take();
  void hand_in(uint64_t index, EncodedChunk chunk);
  void write(const EncodedChunk& chunk);

  const EmbedJob& job_;
  std::atomic<bool> ended_ = false;

  std::mutex input_mutex_;
  NextLines next_lines_;
  uint64_t chunks_taken_ = 0;

  std::mutex output_mutex_;
  std::condition_variable changed_;
  VectorFile& output_;
  ProgressLine& progress_;
  std::map<uint64_t, EncodedChunk> waiting_;
  uint64_t next_ = 0;  // index of the chunk to write
  uint64_t ahead_max_ = 0;
  uint32_t working_ = 0;
  Status status_;
};

}  // namespace hilo
