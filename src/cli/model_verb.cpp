#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/model_facts.h"
#include "cli/python.h"
#include "cli/verb.h"
#include "model/model_file.h"

namespace hilo {
namespace {

namespace fs = std::filesystem;

constexpr const char* model_examples = R"(
  info PATH       what a model directory, a prepared one, its manifest, a graph (.onnx) or an engine
                  (.engine) is, and whether its digest is right
  prepare MODEL   PyTorch -> ONNX, compared with PyTorch -> an engine of TensorRT, where that is
                  installed, else the command for the machine that has it
  build DIR       adds the engine to a folder that was prepared elsewhere

prepare and build are written in Python: pip install 'hilo-engine[prepare]'.

Examples:
  hilo model info all-MiniLM-L6-v2
  hilo model prepare all-MiniLM-L6-v2
  hilo model info all-MiniLM-L6-v2-prepared
  hilo model prepare --help)";

Status explain_directory(const fs::path& directory) {
  const auto header = read_model_header(directory);
  if (!header) return header.error();
  print_header(*header);
  return print_weights(header->directory);
}

// A graph or an engine: what the manifest beside it says. One that no manifest tells of is still a
// graph that can be read, but no engine.
Status explain_file(const fs::path& path) {
  const fs::path manifest = path.parent_path() / manifest_name;
  if (file_exists(manifest)) {
    const auto prepared = read_prepared_model(manifest);
    if (!prepared) return prepared.error();
    if (path.filename() == prepared->graph.file.name) return print_graph(*prepared);
    if (prepared->engine && path.filename() == prepared->engine->file.name)
      return print_engine(*prepared);
  }
  if (path.extension() == ".onnx") return become_python({"explain", path.string()});
  return file_error(path, fmt::format("is told of by no {}, and hilo knows an engine by that "
                                      "alone: make it with `hilo model prepare`",
                                      manifest_name));
}

Status explain(const fs::path& path) {
  std::error_code unknown;
  const fs::file_status status = fs::status(path, unknown);
  if (!fs::exists(status)) return file_error(path, "is not there");
  if (path.filename() == manifest_name ||
      (fs::is_directory(status) && file_exists(path / manifest_name))) {
    const auto prepared = read_prepared_model(path);
    return prepared ? print_prepared(*prepared) : Status{prepared.error()};
  }
  return fs::is_directory(status) ? explain_directory(path) : explain_file(path);
}

class ModelVerb final : public Verb {
 public:
  CommandWords words() const override {
    return {"model", "Prepare a model for TensorRT, and tell about models and their files",
            model_examples};
  }

  void add_options(const OptionList& options) override {
    options.rest(words_);
    options.require([this]() -> std::string {
      if (words_.empty()) return "One of info, prepare and build";
      return words_[0] == "info" && words_.size() != 2 ? "The path of one model or file" : "";
    });
  }

  Status run() override { return words_[0] == "info" ? explain(words_[1]) : become_python(words_); }

 private:
  std::vector<std::string> words_;
};

}  // namespace

std::unique_ptr<Verb> make_model_verb() { return std::make_unique<ModelVerb>(); }

}  // namespace hilo
