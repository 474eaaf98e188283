// The files of page/ as the build put them into the program (cmake/page.cmake).
#pragma once

#include <span>
#include <string_view>

namespace hilo::http {

struct PageFile {
  std::string_view name;
  std::string_view bytes;
  std::string_view etag;  // with its quotes: another one for every other content
};

std::span<const PageFile> page_files();

}  // namespace hilo::http
