// A folder that `hilo model prepare` made: a graph in ONNX, an engine of TensorRT, and the manifest
// that tells what they are. An engine is code of which nothing can be checked but where it comes
// from, so it is read only if it and its manifest are this user's (or root's), nobody else may
// write them, and its digest is the one that the manifest has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace hilo {

inline constexpr const char* manifest_name = "hilo-model.json";

struct PreparedFile {
  std::string name;
  uint64_t bytes = 0;
  std::string sha256;
};

struct PreparedTensor {
  std::string name, type;
};

struct PreparedGraph {
  PreparedFile file;
  std::string precision;  // "fp16"
  uint32_t opset = 0;
  std::vector<PreparedTensor> inputs, outputs;
  // From PyTorch, as it was measured when the graph was made.
  double difference_max = 0.0, cosine_min = 0.0;
};

// How many texts of how many tokens (padding included) a lane may compute at once, at least, best
// and at most.
struct PreparedShape {
  uint32_t texts = 0, tokens = 0;
};
struct PreparedProfile {
  std::string lane;  // "high" or "low"
  PreparedShape min, opt, max;
};

struct PreparedEngine {
  PreparedFile file;
  std::string builder, version;  // "trtexec", "11.1.0"
  std::string gpu;               // that it was built on; empty where nobody told
  bool stands_in = false;        // built only to see whether the graph can be
};

struct PreparedModel {
  std::filesystem::path directory;
  std::string name, pooling;
  uint32_t dims = 0, tokens_max = 0, vocabulary = 0, padding_id = 0;
  bool normalized = false, cross_encoder = false;
  std::map<std::string, std::string> sources;  // the files it was made of, and their digests
  PreparedGraph graph;
  std::vector<PreparedProfile> profiles;
  std::optional<PreparedEngine> engine;
};

// `path` is the folder, or the manifest in it.
Result<PreparedModel> read_prepared_model(const std::filesystem::path& path);

// That a file of the folder is what the manifest says.
Status check_prepared_file(const PreparedModel& model, const PreparedFile& file);

// The engine, checked as above. What is returned is what was checked.
Result<std::vector<std::byte>> read_engine(const PreparedModel& model);

}  // namespace hilo
