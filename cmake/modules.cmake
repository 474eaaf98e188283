# The modules of src/ and what each may include: one row a module, read by CMake (what it links)
# and by tools/tidy (what its #includes may name). A folder's files are found by name:
#   x.cpp x.S      part of the module's library
#   x_test.cpp     part of NAME_test        x_bench.cpp   part of NAME_bench
#   x_fuzz.cpp     a fuzz target of its own
#   x_avx2.cpp x_avx512.cpp x_avx512_vbmi.cpp x_avx512_vnni.cpp x_avx512_bf16.cpp x_amx.cpp
#                 compiled for that instruction set, and nothing else is
set(HILO_MODULES
  # name        may include
  "base        :"
  "protocol    : base"
  "channel     : base protocol"
  "client      : base protocol channel"
  "tokenizer   : base"
  "scheduler   : base protocol"
  "model       : base"
  "backend     : base protocol model"
  "supervisor  : base protocol channel"
  "engine      : base protocol channel tokenizer scheduler model backend supervisor"
  "http        : base channel tokenizer supervisor"
  "cli         : base engine supervisor tokenizer model backend channel protocol scheduler")

# Third-party libraries, seen by the .cpp files that name them. fmt is compiled once, in
# base/fmt.cpp, and spdlog uses that; so of these two only the headers are taken.
add_library(hilo_third_party INTERFACE)
target_include_directories(hilo_third_party SYSTEM INTERFACE
  $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>
  $<TARGET_PROPERTY:spdlog::spdlog_header_only,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_definitions(hilo_third_party INTERFACE SPDLOG_FMT_EXTERNAL)
target_link_libraries(hilo_third_party INTERFACE nlohmann_json::nlohmann_json CLI11::CLI11)
set(HILO_THIRD_PARTY hilo_third_party)

# Most of a test's compilation is headers, which then are read once. In the debug preset every test
# keeps a command of its own, for editors.
function(hilo_compile_together target)
  if(NOT CMAKE_BUILD_TYPE STREQUAL Debug)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
  endif()
endfunction()

function(hilo_module name)
  set(folder ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp ${folder}/*.S)
  # See cmake/cuda.cmake and cmake/tensorrt.cmake.
  list(FILTER sources EXCLUDE REGEX "/backend/(cuda|tensorrt)/(host|device|plugin)/")
  set(tests ${sources})
  set(benches ${sources})
  set(fuzzers ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz|main)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")

  set(dependencies ${ARGN})
  list(TRANSFORM dependencies PREPEND hilo_)
  if(NOT sources)
    add_library(hilo_${name} INTERFACE)
    target_link_libraries(hilo_${name} INTERFACE hilo_flags ${dependencies})
  else()
    add_library(hilo_${name} STATIC ${sources})
    target_link_libraries(hilo_${name}
      PUBLIC hilo_flags ${dependencies} PRIVATE ${HILO_THIRD_PARTY})
  endif()
  # Arithmetic without optimization would make every test of a model wait for minutes.
  set(kernels ${sources})
  list(FILTER kernels INCLUDE REGEX "/kernels_[a-z0-9_]+\\.cpp$")
  set_source_files_properties(${kernels} PROPERTIES COMPILE_OPTIONS "-O3")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    foreach(source ${sources})
      if(source MATCHES "_avx2\\.cpp$")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
          "-O3;-mavx2;-mfma;-mbmi2")
      elseif(source MATCHES "_(avx512|avx512_vbmi|avx512_vnni|avx512_bf16|amx)\\.cpp$")
        set(flags -O3 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mbmi2)
        if(source MATCHES "_avx512_vbmi\\.cpp$")
          list(APPEND flags -mavx512vbmi)
        elseif(NOT source MATCHES "_avx512\\.cpp$")
          list(APPEND flags -mavx512vnni)
        endif()
        if(source MATCHES "_(avx512_bf16|amx)\\.cpp$")
          list(APPEND flags -mavx512bf16)
        endif()
        if(source MATCHES "_amx\\.cpp$")
          list(APPEND flags -mamx-tile -mamx-int8 -mamx-bf16)
        endif()
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${flags}")
      endif()
    endforeach()
  endif()

  if(HILO_TESTS AND tests)
    add_executable(${name}_test ${tests})
    add_dependencies(tests ${name}_test)
    target_link_libraries(${name}_test PRIVATE
      hilo_${name} ${HILO_THIRD_PARTY} GTest::gtest GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE HILO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    # Optimizing a test takes longer than it saves, but for slow definitions of what is correct.
    if(NOT name MATCHES "^(backend|tokenizer)$")
      target_compile_options(${name}_test PRIVATE -O0)
    endif()
    hilo_compile_together(${name}_test)
    gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 120 LABELS ${name})
  endif()
  if(HILO_BENCH AND benches)
    add_executable(${name}_bench ${benches})
    add_dependencies(benchmarks ${name}_bench)
    target_link_libraries(${name}_bench PRIVATE
      hilo_${name} ${HILO_THIRD_PARTY} benchmark::benchmark benchmark::benchmark_main)
    target_compile_definitions(${name}_bench PRIVATE HILO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  endif()
  if(HILO_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      add_dependencies(fuzzers ${target})
      target_link_libraries(${target} PRIVATE hilo_${name} ${HILO_THIRD_PARTY})
      target_compile_definitions(${target} PRIVATE HILO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
      target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()

if(HILO_TESTS)
  add_custom_target(tests)
endif()
if(HILO_FUZZ)
  add_custom_target(fuzzers)
endif()
if(HILO_BENCH)
  add_custom_target(benchmarks)
endif()
foreach(row ${HILO_MODULES})
  string(REGEX MATCH "^([a-z]+) *:(.*)$" _ "${row}")
  set(name ${CMAKE_MATCH_1})
  string(STRIP "${CMAKE_MATCH_2}" dependencies)
  string(REPLACE " " ";" dependencies "${dependencies}")
  hilo_module(${name} ${dependencies})
endforeach()
