# Writes OUTPUT, a C++ source with the files of the folder PAGE as src/http/page_files.h tells them:
#   cmake -D PAGE=src/http/page -D OUTPUT=page_files.cpp -P cmake/page.cmake
file(GLOB files ${PAGE}/*)
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER "file_${name}" array)
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 32 hash)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND arrays "constexpr char ${array}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${name}\", {${array}, sizeof ${array}}, \"\\\"${hash}\\\"\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"http/page_files.h\"

namespace hilo::http {
namespace {

${arrays}
constexpr PageFile files[] = {
${rows}};

}  // namespace

std::span<const PageFile> page_files() { return files; }

}  // namespace hilo::http
")
