// Any texts as the configuration files of a model directory: they are refused with a sentence, or
// what was read keeps the promises that the rest of the engine builds on.
// Input: the files one after the other, in the order of `names`, with a byte 0xFF (which is in no
// valid UTF-8) between them; an empty one is left out.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/ensure.h"
#include "model/model.h"

namespace {

namespace fs = std::filesystem;

constexpr std::array names{"config.json",
                           "modules.json",
                           "1_Pooling/config.json",
                           "sentence_bert_config.json",
                           "config_sentence_transformers.json",
                           "tokenizer_config.json"};

// One directory for the whole run, in memory where the system has such a place.
const fs::path& scratch_directory() {
  static const fs::path directory = [] {
    const fs::path parent = fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    std::string name = parent / "hilo-fuzz-XXXXXX";
    ENSURE(::mkdtemp(name.data()) != nullptr);
    std::atexit([] { fs::remove_all(scratch_directory()); });
    fs::create_directory(fs::path{name} / "1_Pooling");
    return fs::path{name};
  }();
  return directory;
}

void write_files(std::string_view input) {
  for (const char* name : names) {
    const size_t end = input.find('\xFF');
    const std::string_view text = input.substr(0, end);
    input = end == std::string_view::npos ? std::string_view{} : input.substr(end + 1);
    const fs::path path = scratch_directory() / name;
    if (text.empty()) {
      fs::remove(path);
    } else {
      std::ofstream{path, std::ios::binary}.write(text.data(),
                                                  static_cast<std::streamsize>(text.size()));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  write_files({reinterpret_cast<const char*>(data), size});
  const auto header = hilo::read_model_header(scratch_directory());
  if (!header) {
    ENSURE(header.error().message.starts_with(scratch_directory().native()));
    return 0;
  }
  const hilo::EncoderConfig& encoder = header->encoder;
  ENSURE(encoder.layers > 0);
  ENSURE(encoder.heads > 0);
  ENSURE(encoder.hidden % encoder.heads == 0);
  ENSURE(encoder.vocabulary > 0);
  ENSURE(encoder.layer_norm_epsilon > 0);
  ENSURE(header->tokens_max >= 3);
  ENSURE(encoder.first_position() < encoder.positions_max);
  ENSURE(header->tokens_max <= encoder.text_tokens_max());
  ENSURE(header->dims() == (header->score ? 1 : encoder.hidden));
  return 0;
}
