// hilo-vocabulary SOURCE BLOB: compiles a vocab.txt, a tokenizer.json or a model directory into
// the form that is used in place. The build runs it for bert-base-uncased.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "tokenizer/description.h"
#include "tokenizer/vocabulary.h"

namespace {

using namespace hilo;

Result<TokenizerDescription> describe(const std::filesystem::path& source) {
  if (std::filesystem::is_directory(source)) return describe_directory(source);
  const Result<std::string> text = read_text_file(source);
  if (!text) return text.error();
  if (source.extension() == ".json") return describe_tokenizer_json(text.value(), source.string());
  return describe_vocabulary_text(text.value(), source.string(), "");
}

Status compile(const std::filesystem::path& source, const std::filesystem::path& target) {
  const Result<TokenizerDescription> description = describe(source);
  if (!description) return description.error();
  const Result<Blob> blob = compile_vocabulary(description.value());
  if (!blob) return blob.error();
  const std::span<const std::byte> bytes = blob.value().bytes();
  std::ofstream file(target, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return Error{fmt::format("cannot write {}: is there room?", target.string())};
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: hilo-vocabulary SOURCE BLOB\n", stderr);
    return 2;
  }
  const Status status = compile(argv[1], argv[2]);
  if (status) return 0;
  fmt::print(stderr, "hilo-vocabulary: {}\n", status.error().message);
  return 1;
}
