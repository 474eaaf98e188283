# What is shipped: the program `hilo` and the client library `libhilo.so`.
if(EXISTS ${CMAKE_SOURCE_DIR}/src/cli/hilo_main.cpp)
  target_compile_definitions(hilo_cli PRIVATE HILO_VERSION="${PROJECT_VERSION}")
  add_executable(hilo ${CMAKE_SOURCE_DIR}/src/cli/hilo_main.cpp)
  target_link_libraries(hilo PRIVATE hilo_cli)
  target_link_options(hilo PRIVATE -static-libstdc++ -static-libgcc)
endif()

# Digests of prepared models.
target_link_libraries(hilo_model PRIVATE OpenSSL::Crypto)

# The HTTP front end: a client of the library, linked in.
target_link_libraries(hilo_http PUBLIC hilo_client PRIVATE
  Boost::headers simdjson::simdjson dragonbox::dragonbox OpenSSL::SSL ZLIB::ZLIB
  prometheus_cpp_core)
target_compile_definitions(hilo_http PRIVATE HILO_VERSION="${PROJECT_VERSION}")
# The files of its pages are in the program.
set(page_source ${CMAKE_BINARY_DIR}/generated/page_files.cpp)
file(GLOB page_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/http/page/*)
add_custom_command(OUTPUT ${page_source}
  COMMAND ${CMAKE_COMMAND} -D PAGE=${CMAKE_SOURCE_DIR}/src/http/page -D OUTPUT=${page_source}
    -P ${CMAKE_SOURCE_DIR}/cmake/page.cmake
  DEPENDS ${page_files} ${CMAKE_SOURCE_DIR}/cmake/page.cmake
  COMMENT "Embedding the pages of hilo-http" VERBATIM)
target_sources(hilo_http PRIVATE ${page_source})
# g++ 12 takes the frames of Asio's coroutines, which have their own operator new, for mismatched
# when it inlines one half of the pair.
target_compile_options(hilo_http PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
if(HILO_TESTS)
  target_link_libraries(http_test PRIVATE ZLIB::ZLIB prometheus_cpp_core)
endif()
add_executable(hilo-http ${CMAKE_SOURCE_DIR}/src/http/http_main.cpp)
target_compile_definitions(hilo-http PRIVATE HILO_VERSION="${PROJECT_VERSION}")
target_link_libraries(hilo-http PRIVATE hilo_http)
target_link_options(hilo-http PRIVATE -static-libstdc++ -static-libgcc)
set_target_properties(hilo-http PROPERTIES BUILD_RPATH_USE_ORIGIN ON BUILD_RPATH "$ORIGIN")

# The client library: what C, C++ and Python programs link. Its C++ runtime is inside, and nothing
# but the hilo_ functions is visible, so it gets along with whatever else the program has loaded.
target_compile_definitions(hilo_client PRIVATE HILO_VERSION="${PROJECT_VERSION}")
add_library(hilo_shared SHARED $<TARGET_OBJECTS:hilo_client>)
# Of the tokenizer only what its C interface needs; -u asks for that.
target_link_libraries(hilo_shared PRIVATE -Wl,-u,hilo_tokenizer_open hilo_client hilo_tokenizer)
set_target_properties(hilo_shared PROPERTIES
  OUTPUT_NAME hilo VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE CXX
  LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/libhilo.map)
target_link_options(hilo_shared PRIVATE
  -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/libhilo.map)
if(NOT HILO_SANITIZE)  # A sanitizer's own functions are found when a program is linked.
  target_link_options(hilo_shared PRIVATE -static-libstdc++ -static-libgcc -Wl,--no-undefined)
endif()
target_include_directories(hilo_shared INTERFACE ${CMAKE_SOURCE_DIR}/include)

include(GNUInstallDirs)
install(TARGETS hilo_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/hilo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
configure_file(${CMAKE_SOURCE_DIR}/cmake/hilo.pc.in ${CMAKE_BINARY_DIR}/generated/hilo.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/generated/hilo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The examples are built as a reader of them would build them, so that they stay true; a sanitizer's
# library would not load into such a program.
if(HILO_TESTS AND NOT HILO_SANITIZE)
  add_executable(example_client_c ${CMAKE_SOURCE_DIR}/examples/c/client.c)
  add_executable(example_client_cpp ${CMAKE_SOURCE_DIR}/examples/c/client.cpp)
  target_compile_options(example_client_c PRIVATE -Wall -Wextra -Wpedantic -Werror)
  target_compile_options(example_client_cpp PRIVATE -Wall -Wextra -Wpedantic -Werror)
  target_link_libraries(example_client_c PRIVATE hilo_shared)
  target_link_libraries(example_client_cpp PRIVATE hilo_shared)
  add_dependencies(tests hilo_shared example_client_c example_client_cpp)
  foreach(example example_client_c example_client_cpp)
    add_test(NAME ${example}.says_that_there_is_no_engine COMMAND ${example})
    set_tests_properties(${example}.says_that_there_is_no_engine PROPERTIES LABELS client TIMEOUT 20
      ENVIRONMENT "HILO_SOCKET=/nonexistent/hilo.sock"
      PASS_REGULAR_EXPRESSION "No engine listens at /nonexistent/hilo.sock")
  endforeach()
  add_test(NAME libhilo.shows_the_header_and_nothing_else
    COMMAND ${CMAKE_COMMAND} -D NM=${CMAKE_NM} -D LIBRARY=$<TARGET_FILE:hilo_shared>
      -D HEADER=${CMAKE_SOURCE_DIR}/include/hilo/hilo.h
      -P ${CMAKE_SOURCE_DIR}/cmake/libhilo_symbols.cmake)
endif()

# The vocabulary compiler. It is linked from the few objects that it needs, because the tokenizer
# library, which has these too, holds what it compiles: bert-base-uncased, as bytes that
# bert_base_uncased.S includes.
set(vocabulary_source ${CMAKE_SOURCE_DIR}/src/tokenizer/data/bert-base-uncased-vocab.txt)
set(vocabulary_blob ${CMAKE_BINARY_DIR}/generated/bert-base-uncased.vocabulary)
set(vocabulary_parts aligned_view byte_alphabet compile_family compile_vocabulary describe_decoder
  describe_json describe_normalizer describe_post_processor describe_pre_tokenizer
  describe_vocabulary description family_parts flat_trie graphemes json_scanner merge_table
  normal_forms normalizer normalizer_sequence piece_list precompiled pretokenizer_regex rewriter
  text_pattern tokenizer_json trie utf8 vocabulary)
list(TRANSFORM vocabulary_parts PREPEND ${CMAKE_SOURCE_DIR}/src/tokenizer/)
list(TRANSFORM vocabulary_parts APPEND .cpp)
add_library(hilo_vocabulary_parts OBJECT ${vocabulary_parts})
target_link_libraries(hilo_vocabulary_parts PRIVATE hilo_base ${HILO_THIRD_PARTY})
add_executable(hilo-vocabulary ${CMAKE_SOURCE_DIR}/src/tokenizer/vocabulary_compiler_main.cpp)
target_link_libraries(hilo-vocabulary PRIVATE hilo_vocabulary_parts hilo_base ${HILO_THIRD_PARTY})
get_target_property(tokenizer_sources hilo_tokenizer SOURCES)
list(REMOVE_ITEM tokenizer_sources ${vocabulary_parts})
set_target_properties(hilo_tokenizer PROPERTIES SOURCES
  "${tokenizer_sources};$<TARGET_OBJECTS:hilo_vocabulary_parts>")
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${vocabulary_blob}
  COMMAND hilo-vocabulary ${vocabulary_source} ${vocabulary_blob}
  DEPENDS hilo-vocabulary ${vocabulary_source}
  COMMENT "Compiling the bert-base-uncased vocabulary" VERBATIM)
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/tokenizer/bert_base_uncased.S PROPERTIES
  OBJECT_DEPENDS ${vocabulary_blob}
  COMPILE_DEFINITIONS HILO_BERT_BASE_UNCASED_BLOB="${vocabulary_blob}")

# Fuzz targets that test no module: the canary, which must fail.
if(HILO_FUZZ)
  add_executable(canary_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/canary_fuzz.cpp)
  add_dependencies(fuzzers canary_fuzz)
  target_link_libraries(canary_fuzz PRIVATE hilo_flags)
  target_compile_options(canary_fuzz PRIVATE -fsanitize=fuzzer)
  target_link_options(canary_fuzz PRIVATE -fsanitize=fuzzer)
endif()

# Tests that span modules: real engines with real clients.
if(HILO_TESTS)
  file(GLOB integration_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/integration/*.cpp)
  add_executable(integration_test ${integration_tests})
  add_dependencies(tests integration_test)
  target_link_libraries(integration_test PRIVATE hilo_engine hilo_client ${HILO_THIRD_PARTY}
    GTest::gtest GTest::gtest_main)
  target_compile_options(integration_test PRIVATE -O0)
  hilo_compile_together(integration_test)
  target_compile_definitions(integration_test PRIVATE HILO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  gtest_discover_tests(integration_test
    DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 120 LABELS integration)
endif()

# The scheduler and the engine's core in virtual time (tests/simulation).
if(HILO_TESTS)
  include(${CMAKE_SOURCE_DIR}/cmake/simulation.cmake)
endif()

# Wide-vector code stays in the files that are chosen at run time. (Sanitizers add symbols of their
# own.)
if(HILO_TESTS AND NOT HILO_SANITIZE AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_test(NAME backend.wide_code_stays_in_its_files
    COMMAND ${CMAKE_SOURCE_DIR}/tools/check_isa_leak.py ${CMAKE_BINARY_DIR})
  set_tests_properties(backend.wide_code_stays_in_its_files PROPERTIES LABELS backend TIMEOUT 120)
endif()

# Benchmarks of the whole path: an engine and its clients in processes of their own.
if(HILO_BENCH)
  add_library(hilo_bench_support STATIC ${CMAKE_SOURCE_DIR}/bench/support/programs.cpp)
  target_link_libraries(hilo_bench_support PUBLIC hilo_cli hilo_client ${HILO_THIRD_PARTY})
  target_compile_definitions(hilo_bench_support PUBLIC HILO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  foreach(name ipc throughput latency lane peaks preemption tokenizer)
    add_executable(hilo-bench-${name} ${CMAKE_SOURCE_DIR}/bench/${name}.cpp)
    target_link_libraries(hilo-bench-${name} PRIVATE hilo_bench_support)
    add_dependencies(benchmarks hilo-bench-${name})
  endforeach()
endif()

# In the presets that compile several files as one (CMAKE_UNITY_BUILD), these stay apart: the parts
# of devices that are played have the same names, what the programs' tests mean by `encode` differs,
# and so do the tables of Unicode and what reads them. The overrides of `new` are linked where they
# are named.
foreach(target hilo_cuda_host tokenizer_test backend_test)
  if(TARGET ${target})
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
  endif()
endforeach()
set(files_apart base/heap_seal tokenizer/family_parts tokenizer/normal_forms tokenizer/normalizer
  tokenizer/pretokenizer_regex tokenizer/vocabulary)
list(TRANSFORM files_apart PREPEND ${CMAKE_SOURCE_DIR}/src/)
list(TRANSFORM files_apart APPEND .cpp)
set_source_files_properties(${files_apart} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
