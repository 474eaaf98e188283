#include "tokenizer/blob_cache.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "tokenizer/blob_layout.h"
#include "tokenizer/description.h"

namespace hilo {

namespace {

namespace fs = std::filesystem;

std::optional<fs::path> cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return fs::path(cache) / "hilo";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return fs::path(home) / ".cache" / "hilo";
  return std::nullopt;
}

// Where what a source becomes is kept.
struct Place {
  uint64_t source_hash;
  fs::path path;
};

// Names the source by what is in it, and the form by its number: whoever changes what the same
// source becomes counts format_version up.
std::optional<Place> place_of(std::string_view source) {
  std::optional<fs::path> folder = cache_folder();
  if (!folder || source.size() < cached_source_bytes_min) return std::nullopt;
  const uint64_t hash = hash_of_source(source);
  return Place{hash, *folder / fmt::format("tokenizer-{:016x}-{}.v{}", hash, source.size(),
                                           blob::format_version)};
}

// A file that others may write to could hold anything; a vocabulary that is sound and wrong would
// make wrong vectors.
bool is_ours_alone(const fs::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

std::optional<Blob> load_cached_blob(std::string_view source) {
  const std::optional<Place> place = place_of(source);
  if (!place || !is_ours_alone(place->path)) return std::nullopt;
  std::error_code error;
  const uintmax_t bytes = fs::file_size(place->path, error);
  if (error || bytes < sizeof(blob::Header) || bytes > (uintmax_t{1} << 30)) return std::nullopt;
  // Blobs have a size of whole blocks.
  if (bytes % blob_alignment != 0) return std::nullopt;
  Blob blob(static_cast<size_t>(bytes));
  std::ifstream file(place->path, std::ios::binary);
  file.read(reinterpret_cast<char*>(blob.bytes().data()), static_cast<std::streamsize>(bytes));
  if (!file) return std::nullopt;
  blob::Header header;
  std::memcpy(&header, blob.bytes().data(), sizeof(header));
  if (header.source_hash != place->source_hash) return std::nullopt;
  return blob;
}

// Written aside and then named, so that nobody reads half of it.
void store_cached_blob(std::string_view source, const Blob& blob) {
  const std::optional<Place> place = place_of(source);
  if (!place) return;
  std::error_code error;
  fs::create_directories(place->path.parent_path(), error);
  const fs::path aside = fmt::format("{}.{}", place->path.string(), getpid());
  std::ofstream file(aside, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(blob.bytes().data()),
             static_cast<std::streamsize>(blob.bytes().size()));
  file.close();
  if (file) {
    fs::permissions(aside, fs::perms::owner_read | fs::perms::owner_write, error);
    if (!error) fs::rename(aside, place->path, error);
  }
  if (!file || error) fs::remove(aside, error);
}

}  // namespace hilo
