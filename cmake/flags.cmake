# Compiler settings for all code of ours. Warnings are errors; third-party headers are system
# headers.
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
# For hilo-http. Linked statically where Debian has an archive, so that a wheel works elsewhere.
find_package(Boost 1.81 REQUIRED)
find_package(simdjson REQUIRED)
find_package(dragonbox REQUIRED)
# By hand, because the package's own file asks for libraries of parts that are not used.
find_path(PROMETHEUS_CPP_HEADERS prometheus/text_serializer.h REQUIRED)
find_library(PROMETHEUS_CPP_CORE prometheus-cpp-core REQUIRED)
file(REAL_PATH ${PROMETHEUS_CPP_CORE} prometheus_file)
string(REGEX REPLACE "^.*/(.*\\.so\\.[0-9]+\\.[0-9]+).*$" "\\1"
  prometheus_soname ${prometheus_file})
add_library(prometheus_cpp_core SHARED IMPORTED)
set_target_properties(prometheus_cpp_core PROPERTIES
  IMPORTED_LOCATION ${prometheus_file} IMPORTED_SONAME ${prometheus_soname}
  INTERFACE_INCLUDE_DIRECTORIES ${PROMETHEUS_CPP_HEADERS})
set(OPENSSL_USE_STATIC_LIBS ON)
find_package(OpenSSL REQUIRED)
set(ZLIB_USE_STATIC_LIBS ON)
find_package(ZLIB REQUIRED)
if(HILO_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
  enable_testing()
endif()
if(HILO_BENCH)
  find_package(benchmark REQUIRED)
endif()

add_library(hilo_flags INTERFACE)
target_compile_options(hilo_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror
  # Where several files are compiled as one, a name seems to hide another file's, and g++ takes a
  # type of one file for one of a header.
  $<IF:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>,-Wno-subobject-linkage,-Wshadow>
  $<$<COMPILE_LANGUAGE:CXX>:-Wconversion>
  # Clang, which lint and fuzzing use, need not know the warnings that g++ is told about.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-warning-option>
  # g++ 12 sees an overlap in every "text" + std::to_string(n) when it optimizes (GCC bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict>
  -fno-omit-frame-pointer)
target_include_directories(hilo_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
target_link_libraries(hilo_flags INTERFACE Threads::Threads)
if(HILO_SANITIZE)
  # The check of virtual tables opens a pipe for each look, so it takes a process without free
  # descriptors, which tests make on purpose, for one with a broken object.
  target_compile_options(hilo_flags INTERFACE
    -fsanitize=${HILO_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
  target_link_options(hilo_flags INTERFACE -fsanitize=${HILO_SANITIZE})
endif()
