// For tests: a model's folder and what was prepared of it, as far as an engine that is played needs
// them, and the backend on both fakes.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backend/tensorrt/host/fake_shim.h"
#include "backend/tensorrt/tensorrt_backend.h"
#include "model/digest.h"
#include "model/model_test_support.h"

namespace hilo {

class PlayedTensorRt {
 public:
  explicit PlayedTensorRt(const Model& model, const FakeEngineOptions& options = {})
      : shim(driver, model, options), header(model.header) {
    const std::string config = "{}";
    test::write_file(folder_.path() / "config.json", config);
    header.directory = folder_.path();
    prepared = {.directory = folder_.path() / "prepared",
                .name = model.header.name,
                .pooling = std::string{pooling_name(header.pooling)},
                .dims = header.dims(),
                .tokens_max = header.tokens_max,
                .vocabulary = header.encoder.vocabulary,
                .padding_id = header.encoder.padding_id.value_or(0),
                .normalized = header.normalize,
                .cross_encoder = header.score.has_value(),
                .sources = {{"config.json", sha256(std::as_bytes(std::span{config}))}},
                .graph = {},
                .profiles = {},
                .engine = {}};
    prepared.graph.precision = "fp16";
    prepared.engine.emplace();
    prepared.engine->version = "11.1.0";
  }

  Result<std::unique_ptr<Backend>> make(const TensorRtBackendOptions& options = {
                                            .quantum_tokens = 64}) const {
    return make_tensorrt_backend({.shim = shim.table(),
                                  .driver = driver.table(),
                                  .header = header,
                                  .prepared = prepared,
                                  .engine = FakeShim::engine()},
                                 options);
  }

  // A file of the model, and the digest that the manifest has of it.
  void add_source(const std::string& name, const std::string& content, const std::string& digest) {
    test::write_file(folder_.path() / name, content);
    prepared.sources[name] = digest;
  }

  FakeDriver driver;
  FakeShim shim;
  ModelHeader header;
  PreparedModel prepared;

 private:
  test::TemporaryDirectory folder_;
};

}  // namespace hilo
