#include <algorithm>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "cli/embed/file_name.h"
#include "cli/embed/pipeline.h"
#include "cli/embed/stop_request.h"
#include "cli/model_source.h"
#include "cli/verb.h"
#include "engine/cores.h"
#include "protocol/bounds.h"

namespace hilo {
namespace {

constexpr const char* embed_examples = R"(
Texts are the arguments, or else the lines of standard input: plain text or, with --field and in
files that end in .jsonl, JSON objects such as {"id": 7, "text": "resize photos"}. Works on all
cores and needs no engine running.

What is written follows the name of the file, whether --output or the shell's > names it:
  .npy    a NumPy array, float32 [texts, dims]
  .jsonl  an object for each text: "id" (if it had one), "text", "tokens", "truncated", "embedding"
  .txt    a line of numbers for each text, as on a terminal and in a pipe

A line that is no text (invalid UTF-8, no JSON, more than 128 KiB) ends the run and is told by its
number. With --skip-bad it is told and skipped: a row of NaN takes its place, so that row i stays
line i; .jsonl leaves it out.

A run that was interrupted, however, goes on with the same command and --resume, and the file will
be the one that a single run makes.

Examples:
  hilo embed --model DIR "resize photos"
  hilo embed --model DIR < titles.txt > vectors.npy
  hilo embed --model DIR --output vectors.npy --resume < titles.txt
  hilo embed --model DIR --prompt query --dimensions 128 < queries.jsonl > vectors.jsonl)";

// Lines that a thread takes at a time, by what a batch has: enough for several batches of ordinary
// texts, few enough to be soon over.
constexpr size_t chunk_bytes_for_a_token = 8;
// The escapes of JSON make a text up to six times as long.
constexpr size_t json_line_bytes_max = 8 * size_t{text_bytes_max};

// What is left to read of a file.
std::optional<uint64_t> file_bytes(int descriptor) {
  struct stat facts {};
  const off_t place = ::lseek(descriptor, 0, SEEK_CUR);
  if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode) || place < 0) return std::nullopt;
  return static_cast<uint64_t>(std::max<off_t>(facts.st_size - place, 0));
}

class EmbedVerb final : public Verb {
 public:
  CommandWords words() const override {
    return {"embed", "Write the vectors of texts", embed_examples};
  }

  void add_options(const OptionList& options) override {
    add_model_options(options, options_);
    const Option texts = options.texts(
        {"text", "Texts; the lines of standard input if there are none", "TEXT..."}, texts_);
    options.text({"--prompt", "Put this prompt of the model before each text", "NAME"}, prompt_);
    options.text({"--field", "Lines are JSON objects, and this member is the text", "NAME [text]"},
                 field_);
    options.number(
        {"--dimensions",
         "Only the first N components, of length 1 again if the model's vectors are", "N"},
        dimensions_, 1, dims_max);
    options.choice(
        {"--format", "What to write, whatever the file's name", "text|jsonl|npy"}, format_,
        {{"text", VectorFormat::text}, {"jsonl", VectorFormat::jsonl}, {"npy", VectorFormat::npy}});
    const Option output =
        options.text({"--output", "Write to this file, not to standard output", "FILE"}, output_);
    options.flag({"--resume", "Go on with the file where an earlier run stopped"}, resume_)
        .needs(output)
        .excludes(texts);
    options.flag({"--skip-bad", "Go past lines that are no text"}, skip_bad_);
    options.require([this] { return missing_option(options_); });
  }

  Status run() override {
    auto source = find_model(options_);
    if (!source) return source.error();
    if (source->header && source->header->score)
      return Error{
          fmt::format("{}: is a cross-encoder, which scores pairs of texts, and here each text is "
                      "one by itself; give a model made for embeddings",
                      options_.directory)};
    const auto prompt = prompt_text(*source);
    if (!prompt) return prompt.error();
    const auto format = output_format();
    if (!format) return format.error();
    const uint32_t dims = dimensions_.value_or(source->channel.dims);
    if (dims > source->channel.dims)
      return Error{fmt::format("--dimensions {}: the model's vectors have {} components", dims,
                               source->channel.dims)};
    const auto model = load(*source);
    if (!model) return model.error();
    const bool renormalize = dimensions_ && source->header && source->header->normalize;
    return embed({.model = *model,
                  .tokens_max = source->channel.tokens_max,
                  .batch = embed_batch(*model->backend, source->channel.tokens_max),
                  .prompt = *prompt,
                  .field = texts_.empty() ? input_field() : std::string{},
                  .format = *format,
                  .dims = dims,
                  .renormalize = renormalize,
                  .skip_bad = skip_bad_});
  }

 private:
  Result<std::string> prompt_text(const ModelSource& source) const {
    if (prompt_.empty()) return std::string{};
    std::string names;
    if (source.header) {
      for (const Prompt& prompt : source.header->prompts) {
        if (prompt.name == prompt_) return prompt.text;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", prompt.name);
      }
    }
    return Error{fmt::format("the model has no prompt '{}'; it has: {}", prompt_,
                             names.empty() ? "none" : names)};
  }

  Result<VectorFormat> output_format() const {
    if (format_) return *format_;
    const std::string path = output_.empty() ? path_of_descriptor(STDOUT_FILENO) : output_;
    if (const auto named = format_named_by(path)) return *named;
    // A terminal, a pipe, or a few texts in a script whose output goes to some log.
    if (output_.empty() && (path.empty() || !texts_.empty())) return VectorFormat::text;
    return Error{fmt::format(
        "{}: its name ends in none of .npy, .jsonl and .txt: say what to write by --format", path)};
  }

  std::string input_field() const {
    if (!field_.empty()) return field_;
    return holds_json(path_of_descriptor(STDIN_FILENO)) ? "text" : "";
  }

  Status embed(const EmbedJob& job) const {
    auto output = output_.empty() ? VectorFile::standard_output(job.format, job.dims)
                                  : VectorFile::open(output_, resume_, job.format, job.dims);
    if (!output) return output.error();
    const StopSignals stop_signals;
    return texts_.empty() ? embed_input(job, *output) : embed_arguments(job, *output);
  }

  Status embed_arguments(const EmbedJob& job, VectorFile& output) const {
    size_t next = 0;
    const auto next_lines = [&]() -> Result<std::vector<Line>> {
      std::vector<Line> lines;
      for (; next < texts_.size() && lines.size() < job.batch.texts_max; ++next)
        lines.push_back({.number = next + 1, .bytes = texts_[next]});
      return lines;
    };
    ProgressLine progress{/*shown=*/false, std::nullopt};
    return Pipeline{job, next_lines, output, progress}.run(threads());
  }

  Status embed_input(const EmbedJob& job, VectorFile& output) const {
    LineSource source{STDIN_FILENO, job.field.empty() ? text_bytes_max : json_line_bytes_max};
    const std::optional<uint64_t> input_bytes = file_bytes(STDIN_FILENO);
    if (Status status = go_past(output.records(), job, source); !status) return status;
    const bool to_terminal = output_.empty() && ::isatty(STDOUT_FILENO) != 0;
    ProgressLine progress{!to_terminal && ::isatty(STDERR_FILENO) != 0,
                          input_bytes ? *input_bytes - source.input_bytes() : input_bytes};
    const auto next_lines = [&] { return next_chunk(source, job.batch); };
    Status status = Pipeline{job, next_lines, output, progress}.run(threads());
    progress.clear();
    if (status && !stop_requested()) status = output.finish();
    if (status && !to_terminal) log_info(progress.summary());
    return status && stop_requested() ? stopped() : status;
  }

  // Lines whose records are in the file already.
  static Status go_past(uint64_t records, const EmbedJob& job, LineSource& source) {
    while (records > 0) {
      const auto line = source.next();
      if (!line) return line.error();
      if (!*line) return {};
      if (marks_gaps(job.format) || item_of_line(job, **line)) --records;
    }
    return {};
  }

  // Waits for the first line only: someone may be typing.
  static Result<std::vector<Line>> next_chunk(LineSource& source, const EmbedBatch& batch) {
    std::vector<Line> lines;
    size_t bytes = 0;
    do {
      auto line = source.next();
      if (!line) return line.error();
      if (!*line) break;
      bytes += (*line)->bytes.size();
      lines.push_back(std::move(**line));
    } while (source.has_line() && bytes < batch.tokens_enough * chunk_bytes_for_a_token &&
             lines.size() < batch.texts_max);
    return lines;
  }

  Error stopped() const {
    const std::string file = output_.empty() ? path_of_descriptor(STDOUT_FILENO) : output_;
    if (file.empty()) return Error{"stopped"};
    return Error{fmt::format("stopped; to go on, add: --output {} --resume", file)};
  }

  uint32_t threads() const { return static_cast<uint32_t>(usable_cores(options_.threads).size()); }

  ModelOptions options_;
  std::vector<std::string> texts_;
  std::string prompt_;
  std::string field_;
  std::optional<uint32_t> dimensions_;
  std::optional<VectorFormat> format_;
  std::string output_;
  bool resume_ = false;
  bool skip_bad_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_embed_verb() { return std::make_unique<EmbedVerb>(); }

}  // namespace hilo
