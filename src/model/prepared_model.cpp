#include "model/prepared_model.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/unique_fd.h"
#include "model/digest.h"
#include "model/json_file.h"
#include "model/model_file.h"

namespace hilo {
namespace {

namespace fs = std::filesystem;

constexpr const char* manifest_format = "hilo prepared model 1";
constexpr uint32_t count_max = 1U << 30U;
constexpr uint64_t engine_bytes_max = uint64_t{16} << 30U;

// Reads one object after the other and keeps the first error.
class ManifestReader {
 public:
  ManifestReader(const Json& root, fs::path path) : root_(root), path_(std::move(path)) {}

  PreparedModel read() {
    PreparedModel model;
    model.directory = path_.parent_path();
    if (text(root_, "format") != manifest_format)
      fail(fmt::format("is no \"{}\": make it with `hilo model prepare`", manifest_format));
    read_model(member(root_, "model"), model);
    const Json& sources = member(root_, "sources");
    for (const auto& [name, digest] : sources.items())
      if (digest.is_string()) model.sources.emplace(name, digest.get<std::string>());
    read_graph(member(root_, "graph"), model.graph);
    for (const Json& profile : list(root_, "profiles"))
      model.profiles.push_back(shapes_of(profile));
    if (const auto engine = root_.find("engine"); engine != root_.end() && !engine->is_null())
      model.engine = engine_of(*engine);
    return model;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  void fail(std::string_view cause) {
    if (!error_) error_ = file_error(path_, cause);
  }
  const Json& member(const Json& of, const char* key) {
    static const Json nothing = Json::object();
    if (const auto found = of.find(key); found != of.end() && found->is_object()) return *found;
    fail(fmt::format("{} is missing; prepare the model again", key));
    return nothing;
  }
  const Json& list(const Json& of, const char* key) {
    static const Json nothing = Json::array();
    if (const auto found = of.find(key); found != of.end() && found->is_array()) return *found;
    fail(fmt::format("{} is missing; prepare the model again", key));
    return nothing;
  }
  // Runs `use` with a reader of this object's members.
  template <class Use>
  auto with(const Json& object, Use use) {
    ConfigReader reader{object, path_};
    auto value = use(reader);
    if (!reader.ok() && !error_) error_ = reader.error();
    return value;
  }
  std::string text(const Json& of, const char* key) {
    return with(of, [&](ConfigReader& reader) { return reader.text(key, ""); });
  }

  void read_model(const Json& of, PreparedModel& model) {
    with(of, [&](ConfigReader& reader) {
      model.name = reader.text("name", "");
      model.pooling = reader.text("pooling", "");
      model.dims = reader.count("dims", 1, count_max);
      model.tokens_max = reader.count("tokens_max", 1, count_max);
      model.vocabulary = reader.count("vocabulary", 1, count_max);
      model.padding_id = reader.count("padding_id", 0, count_max);
      model.normalized = reader.flag("normalized", false);
      model.cross_encoder = reader.flag("cross_encoder", false);
      return 0;
    });
  }

  PreparedFile file_of(const Json& of) {
    return with(of, [&](ConfigReader& reader) {
      PreparedFile file{.name = reader.text("file", ""), .sha256 = reader.text("sha256", "")};
      const auto bytes = of.find("bytes");
      if (bytes != of.end() && bytes->is_number_unsigned()) file.bytes = bytes->get<uint64_t>();
      if (file.name.empty() || fs::path(file.name).filename() != file.name)
        reader.fail("names a file that is not in its folder; prepare the model again");
      return file;
    });
  }

  std::vector<PreparedTensor> tensors_of(const Json& graph, const char* key) {
    std::vector<PreparedTensor> tensors;
    for (const Json& tensor : list(graph, key))
      tensors.push_back({.name = text(tensor, "name"), .type = text(tensor, "type")});
    return tensors;
  }
  void read_graph(const Json& of, PreparedGraph& graph) {
    graph.file = file_of(of);
    graph.precision = text(of, "precision");
    graph.opset = with(member(of, "opset"),
                       [](ConfigReader& reader) { return reader.count("ai.onnx", 1, count_max); });
    graph.inputs = tensors_of(of, "inputs");
    graph.outputs = tensors_of(of, "outputs");
    with(member(of, "check"), [&](ConfigReader& reader) {
      graph.difference_max = reader.number("difference_max", 0.0, 1e30, 0.0);
      graph.cosine_min = reader.number("cosine_min", -1.01, 1.01, 0.0);
      return 0;
    });
  }

  PreparedShape shape_of(const Json& profile, const char* key) {
    const Json& numbers = list(profile, key);
    const auto is_count = [](const Json& number) {
      return number.is_number_unsigned() && number.get<uint64_t>() <= count_max;
    };
    if (numbers.size() == 2 && std::ranges::all_of(numbers, is_count))
      return {.texts = numbers[0].get<uint32_t>(), .tokens = numbers[1].get<uint32_t>()};
    fail("has a profile that is no list of two numbers; prepare the model again");
    return {};
  }
  PreparedProfile shapes_of(const Json& profile) {
    return {.lane = text(profile, "lane"),
            .min = shape_of(profile, "min"),
            .opt = shape_of(profile, "opt"),
            .max = shape_of(profile, "max")};
  }

  PreparedEngine engine_of(const Json& of) {
    PreparedEngine engine{.file = file_of(of), .builder = {}, .version = {}, .gpu = {}};
    with(of, [&](ConfigReader& reader) {
      engine.builder = reader.text("builder", "");
      engine.version = reader.text("version", "");
      engine.gpu = reader.text("gpu", "");
      engine.stands_in = reader.flag("stands_in", false);
      return 0;
    });
    return engine;
  }

  const Json& root_;
  const fs::path path_;
  std::optional<Error> error_;
};

// Only its owner may change it, and that is this user or root.
Status check_hands(const fs::path& path, const struct stat& facts) {
  if (facts.st_uid != 0 && facts.st_uid != ::geteuid())
    return file_error(path, fmt::format("belongs to the user {}: an engine is code, so hilo takes "
                                        "one only from its own user or root",
                                        facts.st_uid));
  if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return file_error(path, fmt::format("can be written by others (mode {:04o}): an engine is "
                                        "code, so run `chmod go-w` on it if you trust it",
                                        facts.st_mode & 07777U));
  return {};
}

Status check_hands(const fs::path& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return file_error(path, "cannot be looked at");
  if (S_ISLNK(facts.st_mode))
    return file_error(path, "is a link: put the file itself there, so that it is what was checked");
  return check_hands(path, facts);
}

Error wrong_digest(const fs::path& path) {
  return file_error(path, fmt::format("is not the file that {} tells of: its digest is another; "
                                      "prepare the model again",
                                      manifest_name));
}

Result<std::vector<std::byte>> read_all(const fs::path& path, int descriptor, uint64_t bytes) {
  std::vector<std::byte> content(bytes);
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::read(descriptor, content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return file_error(path, "cannot be read to its end");
    done += static_cast<size_t>(got);
  }
  return content;
}

}  // namespace

Result<PreparedModel> read_prepared_model(const fs::path& path) {
  const fs::path manifest = path.filename() == manifest_name ? path : path / manifest_name;
  const Result<Json> root = read_json_file(manifest);
  if (!root) return root.error();
  if (!root->is_object()) return file_error(manifest, "holds no object; prepare the model again");
  ManifestReader reader{*root, manifest};
  PreparedModel model = reader.read();
  if (reader.error()) return *reader.error();
  return model;
}

Status check_prepared_file(const PreparedModel& model, const PreparedFile& file) {
  const fs::path path = model.directory / file.name;
  const auto mapped = MappedFile::map(path);
  if (!mapped) return mapped.error();
  if (sha256(mapped->bytes()) != file.sha256) return wrong_digest(path);
  return mapped->check_unchanged();
}

Result<std::vector<std::byte>> read_engine(const PreparedModel& model) {
  if (!model.engine)
    return file_error(model.directory / manifest_name,
                      "has no engine yet: run `hilo model build` on the machine with the GPU");
  const PreparedFile& file = model.engine->file;
  const fs::path path = model.directory / file.name;
  const fs::path folder = model.directory.empty() ? fs::path{"."} : model.directory;
  if (Status status = check_hands(folder); !status) return status.error();
  if (Status status = check_hands(model.directory / manifest_name); !status) return status.error();
  if (Status status = check_hands(path); !status) return status.error();
  const UniqueFd descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  struct stat facts {};
  if (descriptor.get() < 0 || ::fstat(descriptor.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return file_error(path, "cannot be opened as a file");
  // Of the file that was opened, which nobody can exchange any more.
  if (Status status = check_hands(path, facts); !status) return status.error();
  const auto bytes = static_cast<uint64_t>(facts.st_size);
  if (bytes != file.bytes || bytes > engine_bytes_max) return wrong_digest(path);
  auto content = read_all(path, descriptor.get(), bytes);
  if (content && sha256(*content) != file.sha256) return wrong_digest(path);
  return content;
}

}  // namespace hilo
