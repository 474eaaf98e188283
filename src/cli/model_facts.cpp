#include "cli/model_facts.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "model/model_file.h"
#include "model/safetensors.h"

namespace hilo {
namespace {

namespace fs = std::filesystem;

std::string output_sentence(bool scores, uint32_t dims, std::string_view pooling, bool normalized) {
  if (scores) return "one float, the score of a pair of texts";
  return fmt::format("{} floats, {} pooling, {}", dims, pooling,
                     normalized ? "of length 1" : "not normalized");
}

std::string mebibytes(uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1U << 20U));
}

// Prints first, so that a file that is wrong is told with what it should be.
Status print_file(const char* kind, const PreparedModel& model, const PreparedFile& file) {
  Status status = check_prepared_file(model, file);
  print_line(kind, fmt::format("{}, {}, digest {}", (model.directory / file.name).string(),
                               mebibytes(file.bytes), status ? "OK" : "WRONG"));
  return status;
}

std::string shape_text(const PreparedShape& shape) {
  return fmt::format("{}x{}", shape.texts, shape.tokens);
}

std::string tensor_list(const std::vector<PreparedTensor>& tensors) {
  std::vector<std::string> texts;
  texts.reserve(tensors.size());
  for (const PreparedTensor& tensor : tensors)
    texts.push_back(fmt::format("{} {}", tensor.name, tensor.type));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::vector<fs::path> weight_files(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored))
    if (entry.path().extension() == ".safetensors") found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

}  // namespace

void print_line(const std::string& name, const std::string& value) {
  fmt::print("{:<12}{}\n", name, value);
}

void print_header(const ModelHeader& header) {
  const EncoderConfig& encoder = header.encoder;
  print_line("model", header.name);
  print_line("directory", header.directory.string());
  print_line("shape", fmt::format("{} layers, {} wide, {} heads, {} in the middle", encoder.layers,
                                  encoder.hidden, encoder.heads, encoder.intermediate));
  print_line("vocabulary", fmt::format("{} ids", encoder.vocabulary));
  print_line("tokens", fmt::format("at most {} a text, of {} that have a position",
                                   header.tokens_max, encoder.text_tokens_max()));
  print_line("vectors", output_sentence(header.score.has_value(), header.dims(),
                                        pooling_name(header.pooling), header.normalize));
  std::string prompts;
  for (const Prompt& prompt : header.prompts)
    prompts += fmt::format("{}{} ", prompts.empty() ? "" : ", ", prompt.name);
  print_line("prompts", prompts.empty() ? "none" : prompts);
}

Status print_weights(const fs::path& directory) {
  uint64_t bytes = 0;
  size_t tensors = 0;
  std::map<std::string, size_t> types;
  const std::vector<fs::path> files = weight_files(directory);
  for (const fs::path& path : files) {
    const auto file = MappedFile::map(path);
    if (!file) return file.error();
    const auto stored = parse_safetensors(file->bytes(), path);
    if (!stored) return stored.error();
    bytes += file->bytes().size();
    tensors += stored->size();
    for (const auto& [name, tensor] : *stored) ++types[tensor.type];
  }
  std::vector<std::string> names;
  names.reserve(types.size());
  for (const auto& [type, count] : types) names.push_back(type);
  print_line("weights",
             fmt::format("{} in {} {}, {} tensors of {}", mebibytes(bytes), files.size(),
                         files.size() == 1 ? "file" : "files", tensors,
                         names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
  return {};
}

Status print_graph(const PreparedModel& model) {
  const PreparedGraph& graph = model.graph;
  Status status = print_file("graph", model, graph.file);
  print_line("", fmt::format("ONNX in {}, opset {}", graph.precision, graph.opset));
  print_line("inputs", tensor_list(graph.inputs));
  print_line("outputs", tensor_list(graph.outputs));
  print_line("checked",
             fmt::format("largest difference from PyTorch {:.2g}, smallest cosine {:.7f}",
                         graph.difference_max, graph.cosine_min));
  for (const PreparedProfile& profile : model.profiles)
    print_line("profile", fmt::format("{}: {} to {} texts x tokens, best for {}", profile.lane,
                                      shape_text(profile.min), shape_text(profile.max),
                                      shape_text(profile.opt)));
  return status;
}

Status print_engine(const PreparedModel& model) {
  if (!model.engine) {
    print_line("engine", "none yet: run `hilo model build` on the machine with the GPU");
    return {};
  }
  const PreparedEngine& engine = *model.engine;
  Status status = print_file("engine", model, engine.file);
  print_line("", fmt::format("by {} {}{}", engine.builder, engine.version,
                             engine.gpu.empty() ? "" : " for " + engine.gpu));
  if (!status) return status;
  const auto content = read_engine(model);
  if (engine.stands_in)
    print_line("", "no TensorRT loads it: it only shows that the graph can be built");
  else
    print_line("",
               content ? "may be loaded: nobody else can have changed it" : "will not be loaded");
  return content ? Status{} : Status{content.error()};
}

Status print_prepared(const PreparedModel& model) {
  print_line("prepared", (model.directory / manifest_name).string());
  print_line("model", model.name);
  print_line("vectors",
             output_sentence(model.cross_encoder, model.dims, model.pooling, model.normalized));
  print_line("tokens", fmt::format("at most {} a text", model.tokens_max));
  print_line("vocabulary",
             fmt::format("{} ids, padded with {}", model.vocabulary, model.padding_id));
  print_line("made of", fmt::format("{} files, whose digests it has", model.sources.size()));
  const Status graph = print_graph(model);
  const Status engine = print_engine(model);
  return graph ? engine : graph;
}

}  // namespace hilo
